/**
 * The peers of one family in one swarm: a {@link SmallList}, or a {@link LargeList} if there are many. Callers see
 * positions 0 to count - 1. Peers with equal keys have adjacent positions.
 */
import type { Family } from "../model/address.ts";
import { countedAs } from "../model/counters.ts";
import { type Heap, parkingCell } from "./heap.ts";
import { FAIR_PLACES, hashHousehold, type Mates } from "./household.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { LargeList } from "./large-list.ts";
import { isRoot, setOwner } from "./layout/block.ts";
import { isSearched, portOf } from "./layout/key.ts";
import { firstRecord, listCount, pageEnd, setListCount } from "./layout/list.ts";
import { ADDRESS_WORDS, RECORD_WORDS, sourceOf, wordBAt } from "./layout/peer.ts";
import { copyWords } from "./layout/word.ts";
import type { RecentDownloads } from "./recent-downloads.ts";
import type { Segments } from "./segments.ts";
import { SMALL_MAX, SmallList } from "./small-list.ts";

/** A large list becomes a small one at this size. It is well below {@link SMALL_MAX}, so that lists do not change often. */
const SMALL_AGAIN = 36;

/** Operations on the lists of one family. A list is named by its cell: two words, the reference and the number of peers. */
export class PeerList {
  readonly #heap: Heap;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #family: Family;
  readonly #hash: KeyedHash;
  readonly #small: SmallList;
  readonly #large: LargeList;
  readonly #addressWords: number;
  readonly #recordWords: number;

  constructor(heap: Heap, family: Family, hash: KeyedHash) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#family = family;
    this.#hash = hash;
    this.#small = new SmallList(heap, family);
    this.#large = new LargeList(heap, family, hash);
    this.#addressWords = ADDRESS_WORDS[family];
    this.#recordWords = RECORD_WORDS[family];
  }

  /** Peers in the list. */
  count(cell: number): number {
    return listCount(this.#words, cell);
  }

  /** Whether it is a large list. The list must not be empty. */
  isLarge(cell: number): boolean {
    return isRoot(this.#words, this.#words[cell]);
  }

  /** The position of the peer with this address and port, or -1. */
  find(cell: number, address: Uint32Array, port: number): number {
    if (this.count(cell) === 0) return -1;
    return this.isLarge(cell) ? this.#large.find(cell, address, port) : this.#small.find(cell, address, port);
  }

  /** Counts the peers that are of one household with `address`, which is of the list's family. @param now seconds. */
  countMates(cell: number, address: Uint32Array, now: number, out: Mates): void {
    out.clear();
    if (this.count(cell) === 0) return;
    if (this.isLarge(cell)) this.#large.countMates(cell, address, 0, now, out);
    else this.#small.countMates(cell, address, now, out);
  }

  /** Whether one household may have more than {@link FAIR_PLACES} peers in the list. */
  isCrowded(cell: number): boolean {
    return this.isLarge(cell) ? this.#large.isCrowded(cell) : this.count(cell) > FAIR_PLACES;
  }

  /** The word where the record at `position` begins. Valid until the next insertion or removal in the shard. */
  recordAt(cell: number, position: number): number {
    return this.isLarge(cell) ? this.#large.recordAt(cell, position) : this.#small.recordAt(cell, position);
  }

  /** Where word A (layout/key.ts) of the record at `position` is, as {@link recordAt}. */
  wordAAt(cell: number, position: number): number {
    return this.recordAt(cell, position) + this.#addressWords;
  }

  /** Word A of the peer at `position`. Signed: V8 would allocate half of all unsigned words. */
  wordAOf(cell: number, position: number): number {
    return this.#words[this.wordAAt(cell, position)] | 0;
  }

  /** The keyed hash of the household of the peer at `position`. */
  householdAt(cell: number, position: number): number {
    return hashHousehold(this.#hash, this.#family, this.#words, this.recordAt(cell, position));
  }

  /** Word B (layout/peer.ts) of the record at `position`. */
  wordBAt(cell: number, position: number): number {
    return wordBAt(this.#words, this.wordAAt(cell, position));
  }

  /** The first position in `[from, to)` whose word A a search looks for (layout/key.ts), or -1. */
  findWord(cell: number, from: number, to: number, mask: number, word: number): number {
    const words = this.#words;
    const large = this.isLarge(cell);
    const stride = large ? this.#recordWords + 1 : this.#recordWords;
    for (let i = from; i < to; ) {
      const runEnd = large ? Math.min(to, pageEnd(i)) : to;
      for (let at = this.wordAAt(cell, i); i < runEnd; i++, at += stride) {
        if (isSearched(words[at], mask, word)) return i;
      }
    }
    return -1;
  }

  /** Counts the announced downloads at `[from, to)`, without the one at `skip`. */
  addRecent(cell: number, from: number, to: number, skip: number, out: RecentDownloads): void {
    const words = this.#words;
    const large = this.isLarge(cell);
    const stride = large ? this.#recordWords + 1 : this.#recordWords;
    for (let i = from; i < to; ) {
      const runEnd = large ? Math.min(to, pageEnd(i)) : to;
      for (let at = this.wordAAt(cell, i); i < runEnd; i++, at += stride) {
        if (i !== skip) out.add(wordBAt(words, at));
      }
    }
  }

  /**
   * Adds a copy of the record that begins at `source[at]`; its address and port must not be in the list.
   * @returns its position, or -1 if the heap is full, or the list has its maximum length.
   */
  insert(shard: number, cell: number, source: Uint32Array, at: number): number {
    const count = this.count(cell);
    if (count > 0 && this.isLarge(cell)) return this.#large.insert(shard, cell, source, at);
    if (count < SMALL_MAX) return this.#small.insert(shard, cell, source, at);
    return this.#enlarge(shard, cell) ? this.#large.insert(shard, cell, source, at) : -1;
  }

  /** Removes the record at `position`. */
  remove(shard: number, cell: number, position: number): void {
    if (!this.isLarge(cell)) {
      this.#small.remove(shard, cell, position);
      return;
    }
    this.#large.remove(shard, cell, position);
    const count = this.count(cell);
    if (count === 0) {
      this.#large.destroy(shard, cell);
      this.#words[cell] = 0;
    } else if (count <= SMALL_AGAIN) this.#shrink(shard, cell);
  }

  /** Removes all records. */
  clear(shard: number, cell: number): void {
    if (this.count(cell) === 0) return;
    if (this.isLarge(cell)) this.#large.destroy(shard, cell);
    else this.#heap.free(shard, this.#words[cell]);
    this.#words[cell] = 0;
    setListCount(this.#words, cell, 0);
  }

  /** Reads the runs of equal keys. */
  loadSegments(cell: number, out: Segments): void {
    if (this.count(cell) === 0) out.clear();
    else if (this.isLarge(cell)) this.#large.loadSegments(cell, out);
    else this.#small.loadSegments(cell, out);
  }

  /** Writes `count` peers from `position` on in compact form (BEP 23, BEP 7). @returns the offset after them. */
  writeCompact(cell: number, position: number, count: number, out: DataView, offset: number): number {
    const words = this.#words;
    const addressWords = this.#addressWords;
    const large = this.isLarge(cell);
    const stride = large ? this.#recordWords + 1 : this.#recordWords;
    const end = position + count;
    let at = offset;
    for (let i = position; i < end; ) {
      const runEnd = large ? Math.min(end, pageEnd(i)) : end;
      for (let record = this.recordAt(cell, i); i < runEnd; i++, record += stride) {
        out.setUint32(at, words[record]);
        at += 4;
        // Without a loop for IPv4, for speed.
        for (let w = 1; w < addressWords; w++, at += 4) out.setUint32(at, words[record + w]);
        out.setUint16(at, portOf(words[record + addressWords]));
        at += 2;
      }
    }
    return at;
  }

  /** Counts `count` learned peers from `position` on by their source. @param counts of each source, from `at` on. */
  countSources(cell: number, position: number, count: number, counts: Float64Array, at: number): void {
    for (let i = position; i < position + count; i++)
      counts[at + countedAs(sourceOf(this.wordBAt(cell, i)))]++;
  }

  #enlarge(shard: number, cell: number): boolean {
    const words = this.#words;
    const count = this.count(cell);
    const parking = parkingCell(shard);
    const small = words[cell];
    // There is room for one more record, and for a key of its own for every record. So no insertion below can fail.
    if (!this.#large.create(shard, cell, count + 1, count + 1)) return false;
    words[parking] = small;
    setOwner(words, small, parking);
    for (let i = 0; i < count; i++) {
      this.#large.insert(shard, cell, words, firstRecord(words[parking]) + i * this.#recordWords);
    }
    this.#heap.free(shard, words[parking]);
    this.#large.trim(shard, cell);
    return true;
  }

  /** Makes a large list small. If the heap has no room for the small block, the list stays large. */
  #shrink(shard: number, cell: number): void {
    const words = this.#words;
    const count = this.count(cell);
    const parking = parkingCell(shard);
    if (!this.#small.create(shard, parking, count)) return;
    for (let i = 0; i < count; i++) {
      const source = this.#large.recordAt(cell, i);
      const target = this.#small.recordAt(parking, i);
      copyWords(words, source, words, target, this.#recordWords);
    }
    this.#large.destroy(shard, cell);
    words[cell] = words[parking];
    setOwner(words, words[cell], cell);
  }
}
