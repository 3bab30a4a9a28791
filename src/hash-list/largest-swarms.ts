/** Selects the info-hashes of the largest swarms. */
import { INFO_HASH_WORDS as WORDS } from "../model/info-hash.ts";
import { compareHashes } from "./hash-list.ts";

/** A sort key has 21 bits for the position of a swarm. */
const PLACES = 2 ** 21;
const FIRST_CAPACITY = 1024;

/** Sizes are distinguished up to this one. */
const SIZES = 65_536;

/** Holds the largest swarms, 24 bytes each, and up to as many others until it is trimmed. */
export class LargestSwarms {
  /** How many swarms were left out. */
  leftOut = 0;
  #limit = 0;
  #count = 0;
  #hashes = new Uint32Array(FIRST_CAPACITY * WORDS);
  #sizes = new Uint32Array(FIRST_CAPACITY);
  /** The number of swarms of each size. */
  readonly #ofSize = new Uint32Array(SIZES);

  /** Clears the selection. @param limit of swarms: at most a million. */
  begin(limit: number): void {
    this.leftOut = 0;
    this.#limit = limit;
    this.#count = 0;
  }

  /** Adds the swarm whose info-hash is at `source[at]`. */
  add(source: Uint32Array, at: number, size: number): void {
    if (this.#count === this.#sizes.length) this.#grow();
    for (let i = 0; i < WORDS; i++) this.#hashes[this.#count * WORDS + i] = source[at + i];
    this.#sizes[this.#count++] = size;
  }

  /** Drops the smallest swarms when there are too many: some milliseconds of work. Call it before twice the limit is added. */
  trim(): void {
    if (this.#count > 1.5 * this.#limit) this.#leaveOutSmallest();
  }

  /** The selected info-hashes, sorted, without duplicates: five words each. */
  take(): Uint32Array<ArrayBuffer> {
    if (this.#count > this.#limit) this.#leaveOutSmallest();
    const from = this.#hashes;
    const order = this.#orderByFirstWord();
    const sorted = new Uint32Array(order.length * WORDS);
    let end = 0;
    for (const place of order) {
      const at = place * WORDS;
      let to = end;
      // Only info-hashes with the same first word can still be in the wrong order.
      while (to > 0 && compareHashes(sorted, to - WORDS, from, at) > 0) to -= WORDS;
      if (to > 0 && compareHashes(sorted, to - WORDS, from, at) === 0) continue;
      sorted.copyWithin(to + WORDS, to, end);
      sorted.set(from.subarray(at, at + WORDS), to);
      end += WORDS;
    }
    return sorted.subarray(0, end);
  }

  /** Drops the smallest swarms beyond the limit. */
  #leaveOutSmallest(): void {
    const sizes = this.#sizes.subarray(0, this.#count);
    const ofSize = this.#ofSize.fill(0);
    for (const size of sizes) ofSize[Math.min(size, SIZES - 1)]++;
    let least = SIZES - 1;
    let room = this.#limit;
    while (ofSize[least] <= room) room -= ofSize[least--];
    let to = 0;
    for (let from = 0; from < sizes.length; from++) {
      const size = Math.min(sizes[from], SIZES - 1);
      if (size < least || (size === least && room-- <= 0)) continue;
      sizes[to] = sizes[from];
      this.#hashes.copyWithin(to * WORDS, from * WORDS, (from + 1) * WORDS);
      to++;
    }
    this.leftOut += this.#count - to;
    this.#count = to;
  }

  /** The positions of all swarms, sorted by the first words of their info-hashes. */
  #orderByFirstWord(): Float64Array {
    const keys = new Float64Array(this.#count);
    for (let i = 0; i < keys.length; i++) keys[i] = this.#hashes[i * WORDS] * PLACES + i;
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
