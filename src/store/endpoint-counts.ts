/**
 * Counts the records of each endpoint (address and port), over all swarms: a count-min sketch in shared memory. A keyed hash
 * chooses two counters for each endpoint, in one line of the cache. Other endpoints may share a counter, so the smaller of
 * the two is an upper bound. If the bound is more than the records that the gate (gate/) knows, the endpoint has a torrent
 * that is not gated: outside, the gate leaves it open, and a member's connections are not cut.
 *
 * The counters are in no shard, since an endpoint has records in many. They are changed with Atomics when a record is
 * added or removed. The announce of a known peer does not change them.
 */
import type { Family } from "../model/address.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { ADDRESS_WORDS } from "./layout/peer.ts";

/** The number of counters in a line. */
const LINE = 64;
const LINE_SHIFT = 6;
/**
 * Counters for each peer that may be stored. In a full tracker whose peers have one torrent each, the
 * count of 7 % of the endpoints is too high. In a tracker that is half full, with three torrents for each client, it is
 * 0.3 %.
 */
const COUNTERS_PER_PEER = 8;
/** The minimum of lines. */
const LEAST_LINES = 128;

/**
 * A counter with this value is no longer changed, in either direction, so that it never wraps around. The gate stays open
 * for an endpoint with so many records. The margin is larger than the number of threads that can count at the same time.
 */
const STUCK = 0x80;

/** A family takes the bits below. */
const PORT_SHIFT = 8;
const SECOND_FACTOR = 0x9e3779b1;

/** Bytes that the counters take. */
export function endpointCountBytes(maxPeers: number): number {
  return LINE * Math.max(LEAST_LINES, 2 ** Math.floor(Math.log2((maxPeers * COUNTERS_PER_PEER) / LINE)));
}

/** Allocates the counters for a store of `maxPeers` peers, in shared memory. */
export function allocateEndpointCounts(maxPeers: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(endpointCountBytes(maxPeers)));
}

/** A thread's view of the counters. */
export class EndpointCounts {
  readonly #counts: Uint8Array<SharedArrayBuffer>;
  readonly #hash: KeyedHash;
  /** The number of lines, a power of two, less 1. */
  readonly #mask: number;

  constructor(counts: Uint8Array<SharedArrayBuffer>, hash: KeyedHash) {
    this.#counts = counts;
    this.#hash = hash;
    this.#mask = counts.length / LINE - 1;
  }

  /** Counts a record that was added or removed. @param at of the address in `words`. */
  add(family: Family, words: Uint32Array, at: number, port: number, by: 1 | -1): void {
    const key = this.#keyOf(family, words, at, port);
    const first = this.#first(key);
    this.#addAt(first, by);
    this.#addAt(second(key, first), by);
  }

  /** An upper bound for the records of an endpoint. @returns Infinity if there were too many to count. */
  count(family: Family, words: Uint32Array, at: number, port: number): number {
    const key = this.#keyOf(family, words, at, port);
    const counts = this.#counts;
    const first = this.#first(key);
    const count = Math.min(Atomics.load(counts, first), Atomics.load(counts, second(key, first)));
    return count >= STUCK ? Number.POSITIVE_INFINITY : count;
  }

  /** Signed. */
  #keyOf(family: Family, words: Uint32Array, at: number, port: number): number {
    return this.#hash.hash(words, at, ADDRESS_WORDS[family], (port << PORT_SHIFT) | family);
  }

  #addAt(at: number, by: 1 | -1): void {
    if (Atomics.load(this.#counts, at) < STUCK) Atomics.add(this.#counts, at, by);
  }

  #first(key: number): number {
    return ((key & this.#mask) << LINE_SHIFT) | (key >>> (32 - LINE_SHIFT));
  }
}

/** The second counter of a key: another one in the same line. */
function second(key: number, first: number): number {
  return first ^ (1 + ((Math.imul(key, SECOND_FACTOR) >>> 8) % (LINE - 1)));
}
