/**
 * Counts the records of each endpoint (address and port) and of each address, over all swarms: a count-min sketch in
 * shared memory. An endpoint has two counters, chosen by a keyed hash, which are in one line of the cache. The smaller is an
 * upper bound: other endpoints may share it. Who shares both can only be taken for somebody with more records, which the
 * gate (gate/) treats as "not all of them are known", and opens.
 *
 * The counters are in no shard, since an endpoint has records in many. They are changed with Atomics, when a record is
 * added or removed, and not when a known peer announces.
 */
import type { Family } from "../model/address.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { ADDRESS_WORDS } from "./layout/peer.ts";

/** Counters of a line. */
const LINE = 64;
const LINE_SHIFT = 6;
/**
 * Counters for each peer that may be stored, which has at most two keys. In a full tracker whose clients have one torrent
 * each, 7 % of the endpoints seem to have more records; in one that is half full, with three torrents each, 0.3 %.
 */
const COUNTERS_PER_PEER = 16;
/** Lines of the smallest tracker. */
const LEAST_LINES = 128;

/**
 * A counter that has come this far counts no more, in either direction, so that it never wraps around: who has so many
 * records stays open. The margin is more than the number of threads that may count at the same time.
 */
const STUCK = 0x80;

/** Odd: a port moves the hash of its address to another place. */
const PORT_FACTOR = 0x85ebca6b;
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
  /** Lines less one: their number is a power of two. */
  readonly #mask: number;

  constructor(counts: Uint8Array<SharedArrayBuffer>, hash: KeyedHash) {
    this.#counts = counts;
    this.#hash = hash;
    this.#mask = counts.length / LINE - 1;
  }

  /** Counts a record with its address at `words[at]`, come or gone: for its endpoint, and for its address. */
  add(family: Family, words: Uint32Array, at: number, port: number, by: 1 | -1): void {
    const hash = this.#hashOf(family, words, at);
    this.#add(mix(hash, 0), by);
    this.#add(mix(hash, port), by);
  }

  /**
   * The records of an endpoint, at most; or of an address, with port 0, which no peer has.
   * @returns Infinity when they were too many to be counted.
   */
  count(family: Family, words: Uint32Array, at: number, port: number): number {
    const key = mix(this.#hashOf(family, words, at), port);
    const counts = this.#counts;
    const first = this.#first(key);
    const count = Math.min(Atomics.load(counts, first), Atomics.load(counts, second(key, first)));
    return count >= STUCK ? Number.POSITIVE_INFINITY : count;
  }

  #hashOf(family: Family, words: Uint32Array, at: number): number {
    return this.#hash.hash(words, at, ADDRESS_WORDS[family], family);
  }

  #add(key: number, by: 1 | -1): void {
    const first = this.#first(key);
    this.#addAt(first, by);
    this.#addAt(second(key, first), by);
  }

  #addAt(at: number, by: 1 | -1): void {
    if (Atomics.load(this.#counts, at) < STUCK) Atomics.add(this.#counts, at, by);
  }

  #first(key: number): number {
    return ((key & this.#mask) << LINE_SHIFT) | (key >>> (32 - LINE_SHIFT));
  }
}

/** The other counter of a key: another one of the line. */
function second(key: number, first: number): number {
  return first ^ (1 + ((Math.imul(key, SECOND_FACTOR) >>> 8) % (LINE - 1)));
}

/** The key of a port at the address with this hash. Signed. */
function mix(hash: number, port: number): number {
  let key = (hash + Math.imul(port, PORT_FACTOR)) | 0;
  key = Math.imul(key ^ (key >>> 16), 0x21f0aaad);
  return Math.imul(key ^ (key >>> 15), 0x735a2d97);
}
