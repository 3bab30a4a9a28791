/**
 * A list of at most 48 peers. It is one block with an owner word and the records. Records with the same key are adjacent.
 * The list is small enough to be searched and shifted, so it has no index.
 *
 * Like all lists it is named by its *cell*: two words, the reference to its block and the number of peers.
 */
import type { Family } from "../model/address.ts";
import { classFor, type Heap } from "./heap.ts";
import { isSameHousehold, type Mates } from "./household.ts";
import { keyOf } from "./layout/key.ts";
import { firstRecord, listCount, setListCount, smallListWords } from "./layout/list.ts";
import { ADDRESS_WORDS, isRecordOf, RECORD_WORDS, wordBAt } from "./layout/peer.ts";
import { copyWords, moveWordsUp } from "./layout/word.ts";
import type { Segments } from "./segments.ts";

/** The maximum of peers in a small list. */
export const SMALL_MAX = 48;

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
      this.#classFor[count] = classFor(smallListWords(Math.max(1, count), this.#recordWords));
    }
  }

  /** The position of the peer with this address and port, or -1. */
  find(cell: number, address: Uint32Array, port: number): number {
    const words = this.#words;
    const stride = this.#recordWords;
    const addressWords = this.#addressWords;
    let record = firstRecord(words[cell]);
    const count = listCount(words, cell);
    for (let position = 0; position < count; position++, record += stride) {
      if (isRecordOf(words, record, addressWords, address, port)) return position;
    }
    return -1;
  }

  /** Counts the peers that are of one household with `address`. */
  countMates(cell: number, address: Uint32Array, now: number, out: Mates): void {
    const words = this.#words;
    let record = firstRecord(words[cell]);
    const count = listCount(words, cell);
    for (let position = 0; position < count; position++, record += this.#recordWords) {
      if (!isSameHousehold(this.#family, words, record, address, 0)) continue;
      const wordA = record + this.#addressWords;
      out.add(position, words[wordA] | 0, wordBAt(words, wordA), now);
    }
  }

  /** The word where the record at `position` begins. */
  recordAt(cell: number, position: number): number {
    return firstRecord(this.#words[cell]) + position * this.#recordWords;
  }

  /** Creates a list of `count` undefined records. @returns false if the heap is full. */
  create(shard: number, cell: number, count: number): boolean {
    const block = this.#heap.allocate(shard, this.#classFor[count], cell);
    if (block === 0) return false;
    this.#words[cell] = block;
    setListCount(this.#words, cell, count);
    return true;
  }

  /**
   * Adds a copy of the record at `source[at]`, after the others with its key. There must be fewer than {@link SMALL_MAX}.
   * @returns its position, or -1 if the heap is full.
   */
  insert(shard: number, cell: number, source: Uint32Array, at: number): number {
    const words = this.#words;
    const count = listCount(words, cell);
    const stride = this.#recordWords;
    if (!this.#fit(shard, cell, count + 1)) return -1;
    const records = firstRecord(words[cell]);
    const key = keyOf(source[at + this.#addressWords]);
    let wordA = records + this.#addressWords;
    let position = 0;
    for (; position < count && keyOf(words[wordA]) !== key; wordA += stride) position++;
    for (; position < count && keyOf(words[wordA]) === key; wordA += stride) position++;
    const record = records + position * stride;
    moveWordsUp(words, record, (count - position) * stride, stride);
    copyWords(source, at, words, record, stride);
    setListCount(words, cell, count + 1);
    return position;
  }

  /** Removes the record at `position`. The block is freed with the last record. */
  remove(shard: number, cell: number, position: number): void {
    const words = this.#words;
    const count = listCount(words, cell) - 1;
    const stride = this.#recordWords;
    const records = firstRecord(words[cell]);
    const record = records + position * stride;
    copyWords(words, record + stride, words, record, (count - position) * stride);
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
    let wordA = firstRecord(words[cell]) + this.#addressWords;
    out.clear();
    for (let position = 0; position < count; ) {
      const key = keyOf(words[wordA]);
      const start = position;
      for (; position < count && keyOf(words[wordA]) === key; wordA += stride) position++;
      out.append(key, position - start);
    }
  }

  /**
   * Moves the list to a block of the class for `count` records, if it is in another.
   * @returns whether it has room for them. False only if the heap is full.
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
    copyWords(words, firstRecord(old), words, firstRecord(block), filled);
    words[cell] = block;
    if (old !== 0) this.#heap.free(shard, old);
    return true;
  }
}
