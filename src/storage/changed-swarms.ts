/**
 * Finds the swarms that have changed, and puts them into the order of their info-hash: neighbours in a database's tree
 * are then written together, and a page of it once instead of forty times.
 */
import { nextChanged } from "../store/next-changed.ts";
import { SHARD_WAIT_MS } from "../store/shard-lock.ts";
import type { SwarmStore } from "../store/swarm-store.ts";

/** Swarms gathered at a time, at 28 bytes each. Ordering them takes some milliseconds. */
const BATCH = 1 << 16;

/** Entries looked at before a shard is let go: tens of microseconds. */
const HOLD = 1024;

/** Batches of changed swarms, all through the store. */
export class ChangedSwarms {
  /** The current batch: info-hashes of five words each, of which {@link order} says the order. */
  readonly hashes = new Uint32Array(BATCH * 5);
  readonly #store: SwarmStore;
  /** Of each swarm of the batch: the first word of its info-hash and its number in it. */
  readonly #keys = new Float64Array(BATCH);
  #count = 0;
  #shard = 0;
  #number = 0;

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  /** Begins a round from the first shard. */
  begin(): void {
    this.#shard = 0;
    this.#number = 0;
  }

  /** Gathers the next batch. @returns how many swarms it has; 0 when the round is over. */
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

  /** Where in {@link hashes} the info-hash begins that is the `i`-th in order. */
  at(i: number): number {
    return (this.#keys[i] % BATCH) * 5;
  }

  /** Looks at some entries of the current shard. @returns whether it has more. */
  #gather(): boolean {
    const store = this.#store;
    const shard = this.#shard;
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) return false;
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
    for (let i = 0; i < 5; i++) this.hashes[this.#count * 5 + i] = words[entry + i];
    this.#keys[this.#count] = words[entry] * BATCH + this.#count;
    this.#count++;
  }
}
