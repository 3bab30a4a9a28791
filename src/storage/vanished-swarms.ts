/** Swarms that have vanished from memory, and whose rows are not yet inactive. */

import { infoHashBytes } from "../model/info-hash.ts";
import { VANISHED_WORDS, vanishedFacts } from "../store/layout/entry.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { SwarmFacts } from "./database.ts";

/** Most swarms that are held while the database is unavailable. Others are found by comparing every row with memory. */
const HELD_LIMIT = 1 << 16;

/** A swarm that has vanished. */
export interface Vanished extends SwarmFacts {
  readonly infoHash: Uint8Array;
  /** Whether `downloaded` and `firstSeen` only cover the time since the swarm last came back. */
  readonly fresh: boolean;
}

/** Reads the store's rings of vanished swarms. */
export class VanishedSwarms {
  /** Set when swarms were missed: every row must be compared with memory. */
  missed = false;
  /** How many were missed, at most: a shard that was emptied counts as a full ring. */
  missedCount = 0;
  readonly #store: SwarmStore;
  /** For each shard: how many swarms of its ring have been read. */
  readonly #read: Uint32Array;
  readonly #record = new Uint32Array(VANISHED_WORDS);
  #held: Vanished[] = [];

  constructor(store: SwarmStore) {
    this.#store = store;
    this.#read = new Uint32Array(store.shards);
  }

  /** The held swarms, oldest first. */
  get held(): readonly Vanished[] {
    return this.#held;
  }

  /** Removes the first `count` held swarms: their rows are written. */
  drop(count: number): void {
    this.#held = this.#held.slice(count);
  }

  /** Reads the new entries of a shard's ring. The caller has locked the shard. */
  drain(shard: number): void {
    const { vanished } = this.#store;
    const written = vanished.written(shard);
    for (; this.#read[shard] !== written; this.#read[shard]++) {
      if (this.#held.length < HELD_LIMIT && vanished.read(shard, this.#read[shard], this.#record))
        this.#hold();
      else {
        this.missed = true;
        this.missedCount += (written - this.#read[shard]) >>> 0;
        this.#read[shard] = written;
        return;
      }
    }
  }

  #hold(): void {
    this.#held.push({ infoHash: infoHashBytes(this.#record), ...vanishedFacts(this.#record) });
  }
}
