/**
 * The refresh queue of a neighbor: the swarms to ask it about. The queue is bounded. Swarms with more peers come first;
 * within a class of size the order is first in, first out. A full queue drops the oldest swarm of its smallest class.
 *
 * Classes are powers of two of the number of peers. Each class is a linked list in one array.
 */
import { INFO_HASH_WORDS } from "../model/info-hash.ts";

const CLASSES = 24;
const NONE = -1;

/** A bounded queue of info-hashes. */
export class RefreshQueue {
  /** Swarms that were dropped because the queue was full. */
  dropped = 0;
  readonly #hashes: Uint32Array;
  readonly #next: Int32Array;
  readonly #heads = new Int32Array(CLASSES).fill(NONE);
  readonly #tails = new Int32Array(CLASSES).fill(NONE);
  #free = NONE;
  #used = 0;
  #size = 0;

  constructor(capacity: number) {
    this.#hashes = new Uint32Array(capacity * INFO_HASH_WORDS);
    this.#next = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Adds a swarm.
   * @param infoHash five words, copied.
   * @returns false when the queue is full of swarms of the same or a larger class.
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
    this.#hashes.set(infoHash, slot * INFO_HASH_WORDS);
    this.#next[slot] = NONE;
    const tail = this.#tails[wanted];
    if (tail === NONE) this.#heads[wanted] = slot;
    else this.#next[tail] = slot;
    this.#tails[wanted] = slot;
    this.#size++;
    return true;
  }

  /** Removes the first swarm. @returns its info-hash, or undefined when the queue is empty. */
  take(): Uint32Array | undefined {
    const most = this.#heads.findLastIndex((head) => head !== NONE);
    if (most === NONE) return undefined;
    const slot = this.#shift(most);
    this.#next[slot] = this.#free;
    this.#free = slot;
    return this.#hashes.slice(slot * INFO_HASH_WORDS, (slot + 1) * INFO_HASH_WORDS);
  }

  /** A free slot, or -1. */
  #takeSlot(): number {
    const slot = this.#free;
    if (slot !== NONE) this.#free = this.#next[slot];
    else if (this.#used < this.#next.length) return this.#used++;
    return slot;
  }

  /** Removes the first slot of a class. */
  #shift(of: number): number {
    const slot = this.#heads[of];
    this.#heads[of] = this.#next[slot];
    if (this.#heads[of] === NONE) this.#tails[of] = NONE;
    this.#size--;
    return slot;
  }
}
