/** Info-hashes with their swarms' sizes: the largest so many of those added. */
import { compareHashes, HASH_WORDS as WORDS } from "./hash-list.ts";

/** A sort key has 21 bits for the place of a swarm. */
const PLACES = 2 ** 21;
const FIRST_CAPACITY = 1024;

/** Keeps the largest swarms, at 24 bytes for each and for as many again that have been added since the last sorting. */
export class LargestSwarms {
  /** How many have been left out. */
  leftOut = 0;
  #limit = 0;
  #count = 0;
  #hashes = new Uint32Array(FIRST_CAPACITY * WORDS);
  #sizes = new Uint32Array(FIRST_CAPACITY);

  /** Begins anew, for at most `limit` swarms, which is a million at most. */
  begin(limit: number): void {
    this.leftOut = 0;
    this.#limit = limit;
    this.#count = 0;
  }

  /** Adds the swarm whose info-hash is at `source[at]`. */
  add(source: Uint32Array, at: number, size: number): void {
    if (this.#count === 2 * this.#limit) this.#leaveOutSmallest();
    if (this.#count === this.#sizes.length) this.#grow();
    for (let i = 0; i < WORDS; i++) this.#hashes[this.#count * WORDS + i] = source[at + i];
    this.#sizes[this.#count++] = size;
  }

  /** The info-hashes kept, in order, each once: five words for each. */
  take(): Uint32Array<ArrayBuffer> {
    if (this.#count > this.#limit) this.#leaveOutSmallest();
    const from = this.#hashes;
    const order = this.#order((i) => from[i * WORDS]);
    const sorted = new Uint32Array(order.length * WORDS);
    let end = 0;
    for (const place of order) {
      const at = place * WORDS;
      let to = end;
      // Only those that have the same first word can be in the wrong order yet.
      while (to > 0 && compareHashes(sorted, to - WORDS, from, at) > 0) to -= WORDS;
      if (to > 0 && compareHashes(sorted, to - WORDS, from, at) === 0) continue;
      sorted.copyWithin(to + WORDS, to, end);
      sorted.set(from.subarray(at, at + WORDS), to);
      end += WORDS;
    }
    return sorted.subarray(0, end);
  }

  #leaveOutSmallest(): void {
    const kept = this.#order((i) => 0xffffffff - this.#sizes[i])
      .subarray(0, this.#limit)
      .sort();
    for (let to = 0; to < kept.length; to++) {
      const from = kept[to];
      this.#sizes[to] = this.#sizes[from];
      this.#hashes.copyWithin(to * WORDS, from * WORDS, (from + 1) * WORDS);
    }
    this.leftOut += this.#count - kept.length;
    this.#count = kept.length;
  }

  /** The places of all swarms by a number of 32 bits, the lowest first. */
  #order(keyOf: (place: number) => number): Float64Array {
    const keys = new Float64Array(this.#count);
    for (let i = 0; i < keys.length; i++) keys[i] = keyOf(i) * PLACES + i;
    keys.sort();
    for (let i = 0; i < keys.length; i++) keys[i] %= PLACES;
    return keys;
  }

  #grow(): void {
    const hashes = new Uint32Array(2 * this.#hashes.length);
    const sizes = new Uint32Array(2 * this.#sizes.length);
    hashes.set(this.#hashes);
    sizes.set(this.#sizes);
    this.#hashes = hashes;
    this.#sizes = sizes;
  }
}
