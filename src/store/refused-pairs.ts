/**
 * The pairs of a torrent and a subscriber's address between which routers refuse connections with the outside (gate/), in
 * memory that all workers share: so the estimate of outside traffic knows who gets nothing from there. Each pair is a keyed
 * hash of 32 bits, so one in thousands may be taken for another. Only the control plane writes.
 *
 * It also holds whether routers really refuse: lists that nobody follows avoid no traffic.
 */
import type { Family } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { ADDRESS_WORDS } from "./layout/peer.ts";

/** Adjacent places among which a pair can have one. */
const WAYS = 16;

/** Places for each pair, so that few find none. A pair without a place counts as not refused. */
const PLACES_PER_PAIR = 2;

/** The most pairs: routers take no more elements of one list (gate/protocol.ts). */
const PAIRS_MAX = 4_000_000;

/** The words before the first place: whether routers refuse, and the size of a line of the cache. */
const HEADER = 16;

/** Bytes of the table for a store of `maxPeers` peers. */
export function refusedPairBytes(maxPeers: number): number {
  const places = PLACES_PER_PAIR * Math.min(maxPeers, PAIRS_MAX);
  return (HEADER + Math.max(WAYS, 2 ** Math.ceil(Math.log2(places)))) * 4;
}

/** Allocates an empty table for a store of `maxPeers` peers, in shared memory. */
export function allocateRefusedPairs(maxPeers: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(refusedPairBytes(maxPeers)));
}

/** A thread's view of the table. */
export class RefusedPairs {
  /** Times that there was no place for a pair. */
  full = 0;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #hash: KeyedHash;
  /** The number of groups of places, a power of two, less 1. */
  readonly #mask: number;

  constructor(words: Int32Array<SharedArrayBuffer>, hash: KeyedHash) {
    this.#words = words;
    this.#hash = hash;
    this.#mask = (words.length - HEADER) / WAYS - 1;
  }

  /** Whether routers refuse what the lists say. */
  get areEnforced(): boolean {
    return Atomics.load(this.#words, 0) !== 0;
  }

  set areEnforced(value: boolean) {
    Atomics.store(this.#words, 0, Number(value));
  }

  /** The keyed hash of an info-hash, by which the others name a swarm: that of SwarmStore.swarmHash. */
  hashOf(infoHash: Uint32Array): number {
    return this.#hash.hash(infoHash, 0, INFO_HASH_WORDS, 0);
  }

  /** Whether a pair is refused. @param at of the address in `words`. */
  has(swarm: number, family: Family, words: Uint32Array, at: number): boolean {
    const pair = this.#pairOf(swarm, family, words, at);
    return this.#find(pair, pair) !== -1;
  }

  /** Adds a pair. The parameters are those of {@link has}. */
  add(swarm: number, family: Family, words: Uint32Array, at: number): void {
    const pair = this.#pairOf(swarm, family, words, at);
    const place = this.#find(pair, 0);
    if (place === -1) this.full++;
    else Atomics.store(this.#words, place, pair);
  }

  /** Removes a pair, if it has a place. */
  remove(swarm: number, family: Family, words: Uint32Array, at: number): void {
    const pair = this.#pairOf(swarm, family, words, at);
    const place = this.#find(pair, pair);
    if (place !== -1) Atomics.store(this.#words, place, 0);
  }

  /** Removes all pairs. */
  clear(): void {
    this.#words.fill(0, HEADER);
  }

  /** Not 0, which is a free place. */
  #pairOf(swarm: number, family: Family, words: Uint32Array, at: number): number {
    return this.#hash.hash(words, at, ADDRESS_WORDS[family], swarm) || 1;
  }

  /** The first place of a pair's that has this value, or -1. */
  #find(pair: number, value: number): number {
    const first = HEADER + (pair & this.#mask) * WAYS;
    for (let place = first; place < first + WAYS; place++)
      if (Atomics.load(this.#words, place) === value) return place;
    return -1;
  }
}
