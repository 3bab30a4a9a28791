/**
 * The swarms that a neighbor is to be asked about and has not been yet: a bounded queue in which those with many peers
 * come before those with few, and who came first is first among its like. When it is full the least of them gives way.
 *
 * Classes are powers of two of the number of peers; each is a list, linked through one array.
 */

const CLASSES = 24;
const NONE = -1;
const HASH_WORDS = 5;

/** A bounded queue of info-hashes. */
export class RefreshQueue {
  /** RefreshQueue that found no room, or had to give way. */
  dropped = 0;
  readonly #hashes: Uint32Array;
  readonly #next: Int32Array;
  readonly #heads = new Int32Array(CLASSES).fill(NONE);
  readonly #tails = new Int32Array(CLASSES).fill(NONE);
  #free = NONE;
  #used = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#hashes = new Uint32Array(capacity * HASH_WORDS);
    this.#next = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds a swarm.
   * @param infoHash five words, copied.
   * @returns false when there was no room: all others have more peers, or as many.
   */
  add(infoHash: Uint32Array, peers: number): boolean {
    const wanted = Math.min(CLASSES - 1, 32 - Math.clz32(peers));
    let slot = this.#takeSlot();
    if (slot === NONE) {
      this.dropped++;
      const least = this.#heads.findIndex((head) => head !== NONE);
      if (least === NONE || least >= wanted) return false;
      slot = this.#shift(least);
    }
    this.#hashes.set(infoHash, slot * HASH_WORDS);
    this.#next[slot] = NONE;
    const tail = this.#tails[wanted];
    if (tail === NONE) this.#heads[wanted] = slot;
    else this.#next[tail] = slot;
    this.#tails[wanted] = slot;
    this.#size++;
    return true;
  }

  /** Takes the first. @returns undefined when there is none. */
  take(): Uint32Array | undefined {
    const most = this.#heads.findLastIndex((head) => head !== NONE);
    if (most === NONE) return undefined;
    const slot = this.#shift(most);
    this.#next[slot] = this.#free;
    this.#free = slot;
    return this.#hashes.slice(slot * HASH_WORDS, (slot + 1) * HASH_WORDS);
  }

  /** A place that is not in use, or -1. */
  #takeSlot(): number {
    const slot = this.#free;
    if (slot !== NONE) this.#free = this.#next[slot];
    else if (this.#used < this.#next.length) return this.#used++;
    return slot;
  }

  /** Takes the first of a class out of its list. */
  #shift(of: number): number {
    const slot = this.#heads[of];
    this.#heads[of] = this.#next[slot];
    if (this.#heads[of] === NONE) this.#tails[of] = NONE;
    this.#size--;
    return slot;
  }
}
