/**
 * A list of at most 32 peers: one block, an owner word and the records, those with the same key side by side. It is
 * small enough to be searched and shifted, and has no index.
 *
 * Like all lists it is named by its *cell*: two words, the reference to its block and the number of peers.
 */
import type { Family } from "../model/address.ts";
import { classFor, type Heap } from "./heap.ts";
import { isSameHousehold, type Mates } from "./household.ts";
import { listCount, setListCount } from "./list-count.ts";
import { ADDRESS_WORDS, KEY_MASK, RECORD_WORDS } from "./peer-record.ts";
import type { Segments } from "./segments.ts";

/** Most peers of a small list. */
export const SMALL_MAX = 32;

/** Operations on the small lists of one family. */
export class SmallList {
  readonly #heap: Heap;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #family: Family;
  readonly #addressWords: number;
  readonly #recordWords: number;
  /** The size class for each number of peers. */
  readonly #classFor = new Uint8Array(SMALL_MAX + 1);

  constructor(heap: Heap, family: Family) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#family = family;
    this.#addressWords = ADDRESS_WORDS[family];
    this.#recordWords = RECORD_WORDS[family];
    for (let count = 0; count <= SMALL_MAX; count++) {
      this.#classFor[count] = classFor(1 + Math.max(1, count) * this.#recordWords);
    }
  }

  /** The position of the peer with this address and port, or -1. */
  find(cell: number, address: Uint32Array, port: number): number {
    const words = this.#words;
    const stride = this.#recordWords;
    const last = this.#addressWords;
    let record = words[cell] + 1;
    const count = listCount(words, cell);
    for (let position = 0; position < count; position++, record += stride) {
      if (words[record] !== address[0] || words[record + last] >>> 16 !== port) continue;
      let same = 1;
      while (same < last && words[record + same] === address[same]) same++;
      if (same === last) return position;
    }
    return -1;
  }

  /** Counts the peers of the household of `address`. */
  countMates(cell: number, address: Uint32Array, now: number, out: Mates): void {
    const words = this.#words;
    const wordA = this.#addressWords;
    let record = words[cell] + 1;
    const count = listCount(words, cell);
    for (let position = 0; position < count; position++, record += this.#recordWords) {
      if (!isSameHousehold(this.#family, words, record, address, 0)) continue;
      out.add(position, words[record + wordA] | 0, words[record + wordA + 1] | 0, now);
    }
  }

  /** The word where the record at `position` begins. */
  recordAt(cell: number, position: number): number {
    return this.#words[cell] + 1 + position * this.#recordWords;
  }

  /** Makes a list of `count` records, their words undefined. @returns false when the heap is full. */
  create(shard: number, cell: number, count: number): boolean {
    const block = this.#heap.allocate(shard, this.#classFor[count], cell);
    if (block === 0) return false;
    this.#words[cell] = block;
    setListCount(this.#words, cell, count);
    return true;
  }

  /**
   * Adds a copy of the record at `source[at]`, behind the others with its key. There must be fewer than
   * {@link SMALL_MAX}.
   * @returns its position, or -1 when the heap is full.
   */
  insert(shard: number, cell: number, source: Uint32Array, at: number): number {
    const words = this.#words;
    const count = listCount(words, cell);
    const stride = this.#recordWords;
    if (!this.#fit(shard, cell, count + 1)) return -1;
    const records = words[cell] + 1;
    const keyAt = records + this.#addressWords;
    const key = source[at + this.#addressWords] & KEY_MASK;
    let position = 0;
    while (position < count && (words[keyAt + position * stride] & KEY_MASK) !== key) position++;
    while (position < count && (words[keyAt + position * stride] & KEY_MASK) === key) position++;
    // At most 32 small records: a loop beats a call of copyWithin.
    const record = records + position * stride;
    for (let i = records + count * stride - 1; i >= record; i--) words[i + stride] = words[i];
    for (let i = 0; i < stride; i++) words[record + i] = source[at + i];
    setListCount(words, cell, count + 1);
    return position;
  }

  /** Removes the record at `position`; the block goes with the last one. */
  remove(shard: number, cell: number, position: number): void {
    const words = this.#words;
    const count = listCount(words, cell) - 1;
    const stride = this.#recordWords;
    const records = words[cell] + 1;
    const end = records + count * stride;
    for (let i = records + position * stride; i < end; i++) words[i] = words[i + stride];
    setListCount(words, cell, count);
    if (count > 0) {
      this.#fit(shard, cell, count);
      return;
    }
    this.#heap.free(shard, words[cell]);
    words[cell] = 0;
  }

  /** Reads the runs of equal keys. */
  loadSegments(cell: number, out: Segments): void {
    const words = this.#words;
    const count = listCount(words, cell);
    const stride = this.#recordWords;
    let keyAt = words[cell] + 1 + this.#addressWords;
    let run = 0;
    let key = 0;
    out.count = 0;
    for (let position = 0; position < count; position++, keyAt += stride) {
      const next = words[keyAt] & KEY_MASK;
      if (next !== key && run > 0) {
        out.append(key, run);
        run = 0;
      }
      key = next;
      run++;
    }
    if (run > 0) out.append(key, run);
  }

  /**
   * Moves the list to a block of the class for `count` records, if it is in another.
   * @returns whether it has room for them; not only when the heap is full.
   */
  #fit(shard: number, cell: number, count: number): boolean {
    const words = this.#words;
    const stride = this.#recordWords;
    const old = words[cell];
    const wanted = this.#classFor[count];
    if (old !== 0 && this.#heap.classOf(old) === wanted) return true;
    const block = this.#heap.allocate(shard, wanted, cell);
    if (block === 0) return old !== 0 && this.#heap.classOf(old) > wanted;
    const filled = Math.min(count, listCount(words, cell)) * stride;
    for (let i = 1; i <= filled; i++) words[block + i] = words[old + i];
    words[cell] = block;
    if (old !== 0) this.#heap.free(shard, old);
    return true;
  }
}
