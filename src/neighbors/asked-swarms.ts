/**
 * The times at which a neighbor may be asked again about each swarm: a set-associative table of fixed size. A full bucket
 * evicts the swarm with the earliest time. A request about an evicted swarm may be repeated too early.
 *
 *     entry    tag (a word of the swarm's hash), time in seconds
 */
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { KeyedHash } from "../store/keyed-hash.ts";

/** Entries of one bucket: one cache line. */
const WAYS = 8;
const ENTRY_WORDS = 2;

/** The next request time of each swarm. */
export class AskedSwarms {
  readonly #words: Uint32Array;
  readonly #buckets: number;
  readonly #hash: KeyedHash;

  /**
   * @param capacity entries; a power of two, at least 8. Twice the number of swarms makes evictions rare.
   * @param key two random words.
   */
  constructor(capacity: number, key: readonly [number, number]) {
    this.#words = new Uint32Array(capacity * ENTRY_WORDS);
    this.#buckets = capacity / WAYS;
    this.#hash = new KeyedHash(key[0], key[1]);
  }

  /**
   * Admits a request about a swarm when its time has come, and sets the time of the next one.
   * @param now seconds.
   * @param again the time of the next request, in seconds.
   * @param anew whether the learned peers of the swarm are lost. Then only {@link postpone} prevents a request.
   * @returns whether the request is admitted.
   */
  admit(infoHash: Uint32Array, now: number, again: number, anew = false): boolean {
    const entry = this.#find(infoHash);
    const words = this.#words;
    if (words[entry] === this.#tag(infoHash) && words[entry + 1] > (anew ? again : now)) return false;
    words[entry] = this.#tag(infoHash);
    words[entry + 1] = again;
    return true;
  }

  /** Sets the time of the next request about a swarm. */
  postpone(infoHash: Uint32Array, again: number): void {
    const entry = this.#find(infoHash);
    this.#words[entry] = this.#tag(infoHash);
    this.#words[entry + 1] = again;
  }

  /** The entry of a swarm. If it has none: the entry of its bucket with the earliest time. */
  #find(infoHash: Uint32Array): number {
    const words = this.#words;
    const tag = this.#tag(infoHash);
    const bucket =
      (this.#hash.hash(infoHash, 0, INFO_HASH_WORDS, 1) & (this.#buckets - 1)) * WAYS * ENTRY_WORDS;
    let soonest = bucket;
    for (let entry = bucket; entry < bucket + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
      if (words[entry] === tag) return entry;
      if (words[entry + 1] < words[soonest + 1]) soonest = entry;
    }
    return soonest;
  }

  #tag(infoHash: Uint32Array): number {
    return this.#hash.hash(infoHash, 0, INFO_HASH_WORDS, 2) >>> 0;
  }
}
