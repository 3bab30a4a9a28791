/**
 * Counts the peers of each household in a shard, over all its swarms: a count-min sketch of fixed size. A household
 * has one counter in each of two rows, chosen by its keyed hash. The smaller counter is an upper bound of its peers.
 * Every added and removed peer is counted under the shard's lock, so the counters always match the records; they are
 * cleared with the shard.
 */
/** Bytes of `max_peers` for one byte of counters. */
const PEERS_PER_BYTE = 4;
const ROWS = 2;
/** The minimum of counters in a row. */
const LEAST_WIDTH = 1024;
const COUNT_MAX = 0xffff;

/** The number of counters in a row: a power of two. */
function widthFor(maxPeers: number, shards: number): number {
  const counters = maxPeers / PEERS_PER_BYTE / Uint16Array.BYTES_PER_ELEMENT;
  return Math.max(LEAST_WIDTH, 2 ** Math.floor(Math.log2(counters / ROWS / shards)));
}

/** Bytes that the counters take. */
export function householdCountBytes(maxPeers: number, shards: number): number {
  return widthFor(maxPeers, shards) * ROWS * shards * Uint16Array.BYTES_PER_ELEMENT;
}

/** Allocates the counters of all shards, in shared memory. */
export function allocateHouseholdCounts(maxPeers: number, shards: number): Uint16Array<SharedArrayBuffer> {
  return new Uint16Array(new SharedArrayBuffer(householdCountBytes(maxPeers, shards)));
}

/** A thread's view of the counters. Callers hold the lock of the shard they name. */
export class HouseholdCounts {
  readonly #counts: Uint16Array<SharedArrayBuffer>;
  readonly #width: number;
  readonly #shift: number;

  constructor(counts: Uint16Array<SharedArrayBuffer>, shards: number) {
    this.#counts = counts;
    this.#width = counts.length / ROWS / shards;
    this.#shift = 32 - Math.log2(this.#width);
  }

  /** Counters of a row. A counter includes peers of other households: on average the peers of the shard divided by this. */
  get width(): number {
    return this.#width;
  }

  /** An upper bound for the peers of a household in the shard. @param hash of the household (household.ts). */
  count(shard: number, hash: number): number {
    return Math.min(this.#counts[this.#first(shard, hash)], this.#counts[this.#second(shard, hash)]);
  }

  /** Whether a counter of the household has reached its maximum. */
  isFull(shard: number, hash: number): boolean {
    const counts = this.#counts;
    return counts[this.#first(shard, hash)] === COUNT_MAX || counts[this.#second(shard, hash)] === COUNT_MAX;
  }

  /** Counts a peer of a household that was added or removed. The counters must not be full. */
  add(shard: number, hash: number, by: 1 | -1): void {
    this.#counts[this.#first(shard, hash)] += by;
    this.#counts[this.#second(shard, hash)] += by;
  }

  /** Clears the counters of a shard. */
  forget(shard: number): void {
    this.#counts.fill(0, shard * ROWS * this.#width, (shard + 1) * ROWS * this.#width);
  }

  #first(shard: number, hash: number): number {
    return shard * ROWS * this.#width + (hash & (this.#width - 1));
  }

  #second(shard: number, hash: number): number {
    return (shard * ROWS + 1) * this.#width + (Math.imul(hash, 0x9e3779b1) >>> this.#shift);
  }
}
