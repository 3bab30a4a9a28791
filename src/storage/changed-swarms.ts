/**
 * Finds changed swarms and sorts them by info-hash. Rows that are neighbors in the tree of the database are then written
 * together, so that a page is written once instead of forty times.
 */

import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { nextChanged } from "../store/next-changed.ts";
import { SHARD_WAIT_MS } from "../store/shard-lock.ts";
import type { SwarmStore } from "../store/swarm-store.ts";

/** Swarms in a batch, 28 bytes each. Sorting them takes some milliseconds. */
const BATCH = 1 << 16;

/** Entries scanned before a shard is unlocked: tens of microseconds. */
const HOLD = 1024;

/** Reads the changed swarms of the whole store in batches. */
export class ChangedSwarms {
  /** Whether a shard was left out since {@link begin}, because it could not be locked. */
  leftOut = false;
  /** The info-hashes of the current batch, five words each, unsorted: {@link at} gives the order. */
  readonly hashes = new Uint32Array(BATCH * INFO_HASH_WORDS);
  readonly #store: SwarmStore;
  /** For each swarm of the batch: the first word of its info-hash, and its number in the batch. */
  readonly #keys = new Float64Array(BATCH);
  #count = 0;
  #shard = 0;
  #number = 0;

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  /** Starts again from the first shard. */
  begin(): void {
    this.leftOut = false;
    this.#shard = 0;
    this.#number = 0;
  }

  /** Reads the next batch. @returns how many swarms it has; 0 after the last shard. */
  next(): number {
    this.#count = 0;
    while (this.#shard < this.#store.shards && this.#count < BATCH) {
      if (!this.#gather()) {
        this.#shard++;
        this.#number = 0;
      }
    }
    this.#keys.subarray(0, this.#count).sort();
    return this.#count;
  }

  /** The position in {@link hashes} of the info-hash that is the `i`-th in order. */
  at(i: number): number {
    return (this.#keys[i] % BATCH) * INFO_HASH_WORDS;
  }

  /** Scans some entries of the current shard. @returns whether it has more. */
  #gather(): boolean {
    const store = this.#store;
    const shard = this.#shard;
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) {
      this.leftOut = true;
      return false;
    }
    const count = store.swarmsIn(shard);
    const end = Math.min(count, this.#number + HOLD);
    while (this.#number < end && this.#count < BATCH) {
      const found = nextChanged(store, shard, this.#number, end);
      if (found !== -1) this.#add(store.swarmAt(shard, found));
      this.#number = found === -1 ? end : found + 1;
    }
    store.leave(shard);
    return this.#number < count;
  }

  #add(entry: number): void {
    const { words } = this.#store;
    for (let i = 0; i < INFO_HASH_WORDS; i++)
      this.hashes[this.#count * INFO_HASH_WORDS + i] = words[entry + i];
    this.#keys[this.#count] = words[entry] * BATCH + this.#count;
    this.#count++;
  }
}
