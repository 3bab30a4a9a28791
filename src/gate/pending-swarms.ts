/** The swarms that are to be looked at, in the order in which that was asked for, each once. */
import { INFO_HASH_WORDS, setInfoHashWords } from "../model/info-hash.ts";
import { grown32, grownSigned } from "./typed-arrays.ts";

/** Swarms that wait, at most; a power of two. */
const PENDING_MAX = 65_536;
const FIRST_CAPACITY = 256;

const NONE = -1;

/** A queue: a ring of places, and a hash table of those that are in use. */
export class PendingSwarms {
  /** Swarms that were not added since there was no room: a round looks at them. */
  dropped = 0;
  readonly #hashOf: (infoHash: Uint32Array) => number;
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  /** Swarms ever taken and added, modulo 2^32: of places modulo the capacity. */
  #taken = 0;
  #added = 0;
  /** Of each place: its info-hash and the keyed hash of it. */
  #words = new Uint32Array(FIRST_CAPACITY * INFO_HASH_WORDS);
  #hashes = new Int32Array(FIRST_CAPACITY);
  /** The next place of the same bucket, or -1. */
  #next = new Int32Array(FIRST_CAPACITY);
  #buckets = new Int32Array(FIRST_CAPACITY).fill(NONE);

  /** @param hashOf a keyed hash, so that clients cannot fill one bucket. */
  constructor(hashOf: (infoHash: Uint32Array) => number) {
    this.#hashOf = hashOf;
  }

  get size(): number {
    return (this.#added - this.#taken) >>> 0;
  }

  /** Adds a swarm, unless it waits already. @param bytes begin with its info-hash. */
  add(bytes: Uint8Array): void {
    setInfoHashWords(this.#infoHash, 0, bytes);
    const hash = this.#hashOf(this.#infoHash) | 0;
    if (this.#has(hash)) return;
    if (this.size === this.#hashes.length) {
      if (this.size >= PENDING_MAX) {
        this.dropped++;
        return;
      }
      this.#grow();
    }
    const place = this.#placeOf(this.#added);
    this.#added = (this.#added + 1) >>> 0;
    this.#words.set(this.#infoHash, place * INFO_HASH_WORDS);
    this.#hashes[place] = hash;
    this.#link(place);
  }

  /** Takes the first. @param infoHash receives its words. @returns false if there is none. */
  take(infoHash: Uint32Array): boolean {
    if (this.size === 0) return false;
    const place = this.#placeOf(this.#taken);
    this.#taken = (this.#taken + 1) >>> 0;
    for (let i = 0; i < INFO_HASH_WORDS; i++) infoHash[i] = this.#words[place * INFO_HASH_WORDS + i];
    const bucket = this.#placeOf(this.#hashes[place]);
    let at = this.#buckets[bucket];
    if (at === place) this.#buckets[bucket] = this.#next[place];
    else {
      while (this.#next[at] !== place) at = this.#next[at];
      this.#next[at] = this.#next[place];
    }
    return true;
  }

  /** Whether the info-hash that is to be added waits already. */
  #has(hash: number): boolean {
    for (let place = this.#buckets[this.#placeOf(hash)]; place !== NONE; place = this.#next[place])
      if (this.#hashes[place] === hash && this.#isAt(place)) return true;
    return false;
  }

  #isAt(place: number): boolean {
    for (let i = 0; i < INFO_HASH_WORDS; i++)
      if (this.#words[place * INFO_HASH_WORDS + i] !== this.#infoHash[i]) return false;
    return true;
  }

  /** There are as many buckets as places, a power of two. */
  #placeOf(number: number): number {
    return number & (this.#hashes.length - 1);
  }

  #link(place: number): void {
    const bucket = this.#placeOf(this.#hashes[place]);
    this.#next[place] = this.#buckets[bucket];
    this.#buckets[bucket] = place;
  }

  /** All places are in use: those before the first that waits move behind the others. */
  #grow(): void {
    const before = this.#hashes.length;
    const capacity = 2 * before;
    this.#words = grown32(this.#words, capacity * INFO_HASH_WORDS);
    this.#hashes = grownSigned(this.#hashes, capacity);
    this.#next = new Int32Array(capacity);
    this.#buckets = new Int32Array(capacity).fill(NONE);
    const first = this.#taken & (before - 1);
    this.#words.copyWithin(before * INFO_HASH_WORDS, 0, first * INFO_HASH_WORDS);
    this.#hashes.copyWithin(before, 0, first);
    this.#taken = first;
    this.#added = first + before;
    for (let number = first; number < this.#added; number++) this.#link(this.#placeOf(number));
  }
}
