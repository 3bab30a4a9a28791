/**
 * Counts the records of each endpoint (address and port) and of each address, over all swarms: a count-min sketch in
 * shared memory. An endpoint has one counter in each of two rows, chosen by a keyed hash. The smaller counter is an upper
 * bound: other endpoints may share it. Who shares a counter can only be taken for somebody with more records, which the
 * gate (gate/) treats as "not all of them are known", and opens.
 *
 * The counters are in no shard, since an endpoint has records in many. They are changed with Atomics, when a record is
 * added or removed, and not when a known peer announces.
 */
import type { Family } from "../model/address.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { ADDRESS_WORDS } from "./layout/peer.ts";

const ROWS = 2;
/** Counters of a row for each peer that may be stored: a full tracker has at most two keys for each. */
const COUNTERS_PER_PEER = 2;
/** Counters of a row, for the smallest tracker. */
const LEAST_WIDTH = 4096;

/**
 * A counter that has come this far counts no more, in either direction, so that it never wraps around. The margin is more
 * than the number of threads.
 */
const STUCK = 0xff00;

/** Odd: a port moves the hash of its address to another place. */
const PORT_FACTOR = 0x85ebca6b;
const SECOND_FACTOR = 0x9e3779b1;

/** Allocates the counters for a store of `maxPeers` peers, in shared memory. */
export function allocateEndpointCounts(maxPeers: number): Uint16Array<SharedArrayBuffer> {
  const width = Math.max(LEAST_WIDTH, 2 ** Math.floor(Math.log2(maxPeers * COUNTERS_PER_PEER)));
  return new Uint16Array(new SharedArrayBuffer(width * ROWS * Uint16Array.BYTES_PER_ELEMENT));
}

/** A thread's view of the counters. */
export class EndpointCounts {
  readonly #counts: Uint16Array<SharedArrayBuffer>;
  readonly #hash: KeyedHash;
  readonly #width: number;
  readonly #shift: number;

  constructor(counts: Uint16Array<SharedArrayBuffer>, hash: KeyedHash) {
    this.#counts = counts;
    this.#hash = hash;
    this.#width = counts.length / ROWS;
    this.#shift = 32 - Math.log2(this.#width);
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
    const count = Math.min(Atomics.load(counts, this.#first(key)), Atomics.load(counts, this.#second(key)));
    return count >= STUCK ? Number.POSITIVE_INFINITY : count;
  }

  #hashOf(family: Family, words: Uint32Array, at: number): number {
    return this.#hash.hash(words, at, ADDRESS_WORDS[family], family);
  }

  #add(key: number, by: 1 | -1): void {
    this.#addAt(this.#first(key), by);
    this.#addAt(this.#second(key), by);
  }

  #addAt(at: number, by: 1 | -1): void {
    if (Atomics.load(this.#counts, at) < STUCK) Atomics.add(this.#counts, at, by);
  }

  #first(key: number): number {
    return key & (this.#width - 1);
  }

  #second(key: number): number {
    return this.#width + (Math.imul(key, SECOND_FACTOR) >>> this.#shift);
  }
}

/** The key of a port at the address with this hash. Signed. */
function mix(hash: number, port: number): number {
  let key = (hash + Math.imul(port, PORT_FACTOR)) | 0;
  key = Math.imul(key ^ (key >>> 16), 0x21f0aaad);
  return Math.imul(key ^ (key >>> 15), 0x735a2d97);
}
