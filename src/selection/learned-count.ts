/** The number of learned peers in a swarm that may be returned to all clients. */
import type { Family } from "../model/address.ts";
import { learnedCount } from "../store/layout/entry.ts";
import { isLearned, isUnconfirmed } from "../store/layout/key.ts";
import { Segments } from "../store/segments.ts";
import type { SwarmStore } from "../store/swarm-store.ts";

/** Counts learned peers. One for each thread. */
export class LearnedCount {
  readonly #store: SwarmStore;
  readonly #segments = new Segments();

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  /** Learned peers of a swarm without the unconfirmed ones (store/layout/key.ts). The caller holds the shard. */
  count(entry: number): number {
    if (learnedCount(this.#store.words, entry) === 0) return 0;
    return this.#countFamily(entry, 4) + this.#countFamily(entry, 6);
  }

  #countFamily(entry: number, family: Family): number {
    const { keys, counts } = this.#segments;
    this.#store.list(family).loadSegments(this.#store.listCell(entry, family), this.#segments);
    let sum = 0;
    for (let i = 0; i < this.#segments.count; i++)
      if (isLearned(keys[i]) && !isUnconfirmed(keys[i])) sum += counts[i];
    return sum;
  }
}
