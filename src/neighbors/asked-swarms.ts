/**
 * From when on a neighbor may be asked again about a swarm: a table of fixed size. When many swarms fall into one place
 * it forgets the one that may be asked soonest: that one is asked a little early.
 *
 *     entry    tag (a word of the swarm's hash), second
 */
import { KeyedHash } from "../store/keyed-hash.ts";

/** Entries of one place: a line of the processor's cache. */
const WAYS = 8;
const ENTRY_WORDS = 2;

/** Remembers swarms. */
export class AskedSwarms {
  readonly #words: Uint32Array;
  readonly #places: number;
  readonly #hash: KeyedHash;

  /**
   * @param capacity entries; a power of two, at least 8. With twice as many as there are swarms few are forgotten.
   * @param key two random words.
   */
  constructor(capacity: number, key: readonly [number, number]) {
    this.#words = new Uint32Array(capacity * ENTRY_WORDS);
    this.#places = capacity / WAYS;
    this.#hash = new KeyedHash(key[0], key[1]);
  }

  /**
   * Notes that a swarm is asked about, unless it may not be yet.
   * @param now seconds.
   * @param again seconds: from then on it may be asked about again.
   * @param anew whether what was said of it has been forgotten: then only {@link postpone} is in the way.
   * @returns whether it may be asked about now.
   */
  admit(infoHash: Uint32Array, now: number, again: number, anew = false): boolean {
    const entry = this.#find(infoHash);
    const words = this.#words;
    if (words[entry] === this.#tag(infoHash) && words[entry + 1] > (anew ? again : now)) return false;
    words[entry] = this.#tag(infoHash);
    words[entry + 1] = again;
    return true;
  }

  /** Sets from when on a swarm may be asked about again. */
  postpone(infoHash: Uint32Array, again: number): void {
    const entry = this.#find(infoHash);
    this.#words[entry] = this.#tag(infoHash);
    this.#words[entry + 1] = again;
  }

  /** The swarm's entry; else the one of its place that may be asked soonest. */
  #find(infoHash: Uint32Array): number {
    const words = this.#words;
    const tag = this.#tag(infoHash);
    const place = (this.#hash.hash(infoHash, 0, 5, 1) & (this.#places - 1)) * WAYS * ENTRY_WORDS;
    let soonest = place;
    for (let entry = place; entry < place + WAYS * ENTRY_WORDS; entry += ENTRY_WORDS) {
      if (words[entry] === tag) return entry;
      if (words[entry + 1] < words[soonest + 1]) soonest = entry;
    }
    return soonest;
  }

  #tag(infoHash: Uint32Array): number {
    return this.#hash.hash(infoHash, 0, 5, 2) >>> 0;
  }
}
