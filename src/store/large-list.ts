/**
 * A list of many peers: a *root* block that refers to *pages*, and runs of equal keys (*segments*) that follow each other
 * over all pages. No operation takes longer as the list grows:
 *
 * - To insert into a segment, one record moves from the front of every later segment to its back.
 * - A hash table finds a peer by address and port. It grows by one bucket at a time (linear hashing) and has a bucket for
 *   every two records. The head of a bucket is in the page, its chain goes through the records. The household
 *   (household.ts) chooses eight adjacent buckets, and the rest of the address and the port one of them. So the peers of a
 *   household are in eight chains and can be counted, and a search for one of them goes through an eighth of them. Limits
 *   keep chains short.
 * - A position is a page and a place in it, so that no list is ever copied as a whole.
 *
 *     root    [owner|ROOT] [pages] [page reference …] … [segment 1: count, key] [segment 0: count, key] [segments] [crowded]
 *     page    [owner] [record + chain word] × capacity, [head] × capacity / 2
 *
 * Heads and chain words hold a position + 1; 0 ends a chain. Pages hold 256 records, but a single page may be smaller.
 * *Crowded* becomes 1 when a household first has more than {@link FAIR_PLACES} peers. Only then does selection count the
 * peers of each household.
 */
import type { Family } from "../model/address.ts";
import { CLASS_WORDS, classFor, type Heap } from "./heap.ts";
import { FAIR_PLACES, isSameHousehold, Mates } from "./household.ts";
import { CHAINS, HouseholdChains } from "./household-chains.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { referenceCell, referenceCount, rootOwner, setReferenceCount } from "./layout/block.ts";
import { keyOf, portOf } from "./layout/key.ts";
import {
  bucketsFor,
  chainCell,
  firstRecord,
  headCell,
  listCount,
  PAGE_RECORDS,
  pageCapacity,
  pageOfBucket,
  recordAtPosition,
  recordOfChain,
  recordsOfPages,
  rootWords,
  setListCount,
} from "./layout/list.ts";
import { ADDRESS_WORDS, isRecordOf, RECORD_WORDS, wordBAt } from "./layout/peer.ts";
import { copyWords } from "./layout/word.ts";
import { bucketOf, parentOf } from "./linear-hashing.ts";
import { RootSegments } from "./root-segments.ts";
import type { Segments } from "./segments.ts";

/** Operations on the large lists of one family. A list is named by its cell: reference to the root, number of peers. */
export class LargeList {
  readonly #heap: Heap;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #family: Family;
  readonly #addressWords: number;
  /** Words from a record to the next one. The last of them is the chain. */
  readonly #stride: number;
  /** The records that a page of each size class holds: an even number, at most a full page. */
  readonly #capacity: Uint16Array;
  readonly #fullPageClass: number;
  readonly #segments: RootSegments;
  readonly #mates = new Mates();
  readonly #chains: HouseholdChains;

  constructor(heap: Heap, family: Family, hash: KeyedHash) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#family = family;
    this.#addressWords = ADDRESS_WORDS[family];
    this.#stride = RECORD_WORDS[family] + 1;
    this.#capacity = CLASS_WORDS.map((words) => pageCapacity(words, this.#stride));
    this.#fullPageClass = this.#capacity.indexOf(PAGE_RECORDS);
    this.#segments = new RootSegments(heap);
    this.#chains = new HouseholdChains(hash, family);
  }

  /**
   * Creates an empty list at `cell`, with a page for this many records, and room for this many segments.
   * @returns false if the heap is full. Nothing has changed then.
   */
  create(shard: number, cell: number, records: number, segments: number): boolean {
    const words = this.#words;
    const root = this.#heap.allocate(shard, classFor(rootWords(1, segments)), rootOwner(cell));
    if (root === 0) return false;
    setReferenceCount(words, root, 0);
    this.#segments.clear(root);
    const page = this.#heap.allocate(shard, this.#pageClass(records), referenceCell(root, 0));
    if (page === 0) {
      this.#heap.free(shard, root);
      return false;
    }
    words[referenceCell(root, 0)] = page;
    setReferenceCount(words, root, 1);
    words[cell] = root;
    setListCount(words, cell, 0);
    return true;
  }

  /** Frees all blocks of the list. The cell is undefined afterwards. */
  destroy(shard: number, cell: number): void {
    const words = this.#words;
    // Pages are freed one at a time, from the last one, because freeing may move the root.
    while (referenceCount(words, words[cell]) > 0) this.#dropLastPage(shard, cell);
    this.#heap.free(shard, words[cell]);
  }

  /** The position of the peer with this address and port, or -1. */
  find(cell: number, address: Uint32Array, port: number): number {
    const words = this.#words;
    const hash = this.#chains.hashOf(address, 0, port);
    for (let link = this.#firstLink(cell, hash); link !== 0; ) {
      const record = this.recordAt(cell, link - 1);
      if (isRecordOf(words, record, this.#addressWords, address, port)) return link - 1;
      link = words[chainCell(record, this.#stride)];
    }
    return -1;
  }

  /** Counts the peers that are of one household with the address at `address[at]`. */
  countMates(cell: number, address: Uint32Array, at: number, now: number, out: Mates): void {
    const words = this.#words;
    const buckets = bucketsFor(listCount(words, cell));
    // A list with fewer buckets has them all searched.
    const first = buckets < CHAINS ? 0 : this.#chains.firstHash(address, at);
    for (let chain = 0; chain < CHAINS && chain < buckets; chain++) {
      for (let link = this.#firstLink(cell, first + chain); link !== 0; ) {
        const record = this.recordAt(cell, link - 1);
        const wordA = record + this.#addressWords;
        if (isSameHousehold(this.#family, words, record, address, at))
          out.add(link - 1, words[wordA] | 0, wordBAt(words, wordA), now);
        link = words[chainCell(record, this.#stride)];
      }
    }
  }

  /** Whether a household has, or has had, more than {@link FAIR_PLACES} peers. */
  isCrowded(cell: number): boolean {
    return this.#words[this.#segments.crowdedCell(this.#words[cell])] !== 0;
  }

  /** The word where the record at `position` begins. */
  recordAt(cell: number, position: number): number {
    const words = this.#words;
    return recordAtPosition(words, words[cell], position, this.#stride);
  }

  /**
   * Adds a copy of the record at `source[at]` to the segment of its key.
   * @returns its position, or -1 if the heap is full, or the list has its maximum length (about two million peers).
   */
  insert(shard: number, cell: number, source: Uint32Array, at: number): number {
    const words = this.#words;
    const key = keyOf(source[at + this.#addressWords]);
    if (!this.#makeRoom(shard, cell, key)) return -1;
    const root = words[cell];
    const count = listCount(words, cell);
    let segment = this.#segments.find(root, key);
    if (segment === -1) segment = this.#segments.add(root, key);

    let hole = count;
    for (let later = words[this.#segments.countCell(root)] - 1; later > segment; later--) {
      const front = hole - words[this.#segments.cell(root, later)];
      if (front !== hole) this.#move(cell, front, hole);
      hole = front;
    }
    words[this.#segments.cell(root, segment)]++;
    setListCount(words, cell, count + 1);
    if (bucketsFor(count + 1) > bucketsFor(count)) this.#splitBucket(cell, bucketsFor(count));

    const record = this.recordAt(cell, hole);
    copyWords(source, at, words, record, this.#stride - 1);
    const head = this.#headCell(root, bucketOf(this.#hashOf(record), bucketsFor(count + 1)));
    words[chainCell(record, this.#stride)] = words[head];
    words[head] = hole + 1;
    if (words[this.#segments.crowdedCell(root)] === 0) this.#noteCrowd(cell, record);
    return hole;
  }

  /** Removes the record at `position`. */
  remove(shard: number, cell: number, position: number): void {
    const words = this.#words;
    const root = words[cell];
    const count = listCount(words, cell) - 1;
    const link = this.#linkTo(cell, position);
    words[link] = words[chainCell(this.recordAt(cell, position), this.#stride)];
    if (count > 0 && bucketsFor(count) < bucketsFor(count + 1)) this.#mergeBucket(cell, bucketsFor(count));
    setListCount(words, cell, count);

    let segment = 0;
    let end = words[this.#segments.cell(root, 0)];
    while (end <= position) end += words[this.#segments.cell(root, ++segment)];
    if (end - 1 !== position) this.#move(cell, end - 1, position);
    let hole = end - 1;
    for (let later = segment + 1; later < words[this.#segments.countCell(root)]; later++) {
      const back = hole + words[this.#segments.cell(root, later)];
      if (back !== hole) this.#move(cell, back, hole);
      hole = back;
    }
    words[this.#segments.cell(root, segment)]--;
    if (words[this.#segments.cell(root, segment)] === 0) this.#segments.drop(root, segment);
    this.trim(shard, cell);
  }

  /** Reads the runs of equal keys. */
  loadSegments(cell: number, out: Segments): void {
    this.#segments.load(this.#words[cell], out);
  }

  // --- chains ---

  #hashOf(record: number): number {
    const words = this.#words;
    return this.#chains.hashOf(words, record, portOf(words[record + this.#addressWords]));
  }

  /** The first link of the chain for a hash, or 0 if the chain is empty. */
  #firstLink(cell: number, hash: number): number {
    const words = this.#words;
    return words[this.#headCell(words[cell], bucketOf(hash, bucketsFor(listCount(words, cell))))];
  }

  /** Marks the list as crowded if the household of the record at `newcomer` has many peers. */
  #noteCrowd(cell: number, newcomer: number): void {
    this.#mates.clear();
    this.countMates(cell, this.#words, newcomer, 0, this.#mates);
    if (this.#mates.count > FAIR_PLACES) this.#words[this.#segments.crowdedCell(this.#words[cell])] = 1;
  }

  #headCell(root: number, bucket: number): number {
    const page = this.#words[referenceCell(root, pageOfBucket(bucket))];
    return headCell(page, this.#capacity[this.#heap.classOf(page)], this.#stride, bucket);
  }

  /** The word, a head or a chain word, that refers to the record at `position`. */
  #linkTo(cell: number, position: number): number {
    const words = this.#words;
    const hash = this.#hashOf(this.recordAt(cell, position));
    let link = this.#headCell(words[cell], bucketOf(hash, bucketsFor(listCount(words, cell))));
    while (words[link] !== position + 1) link = this.#chainOf(cell, words[link]);
    return link;
  }

  /** The chain of the record that a link refers to. */
  #chainOf(cell: number, link: number): number {
    return chainCell(this.recordAt(cell, link - 1), this.#stride);
  }

  #move(cell: number, from: number, to: number): void {
    const words = this.#words;
    words[this.#linkTo(cell, from)] = to + 1;
    copyWords(words, this.recordAt(cell, from), words, this.recordAt(cell, to), this.#stride);
  }

  /** Fills the new bucket `bucket`, the last one, from its parent. */
  #splitBucket(cell: number, bucket: number): void {
    const words = this.#words;
    const root = words[cell];
    const head = this.#headCell(root, bucket);
    words[head] = 0;
    if (bucket === 0) return;
    let link = this.#headCell(root, parentOf(bucket));
    while (words[link] !== 0) {
      const chain = this.#chainOf(cell, words[link]);
      if (bucketOf(this.#hashOf(recordOfChain(chain, this.#stride)), bucket + 1) === bucket) {
        const moved = words[link];
        words[link] = words[chain];
        words[chain] = words[head];
        words[head] = moved;
      } else link = chain;
    }
  }

  /** Appends the chain of `bucket`, the last one, to its parent's. */
  #mergeBucket(cell: number, bucket: number): void {
    const words = this.#words;
    const root = words[cell];
    let link = this.#headCell(root, parentOf(bucket));
    while (words[link] !== 0) link = this.#chainOf(cell, words[link]);
    words[link] = words[this.#headCell(root, bucket)];
  }

  // --- memory ---

  #pageClass(records: number): number {
    let sizeClass = 0;
    while (this.#capacity[sizeClass] < records) sizeClass++;
    return sizeClass;
  }

  /** Makes room for one more record with this key. If it fails, the list is still valid. */
  #makeRoom(shard: number, cell: number, key: number): boolean {
    const words = this.#words;
    let root = words[cell];
    const count = listCount(words, cell);
    const pages = referenceCount(words, root);
    const missing = this.#segments.find(root, key) === -1 ? 1 : 0;
    const segments = words[this.#segments.countCell(root)] + missing;
    const onlyCapacity = this.#capacity[this.#heap.classOf(words[referenceCell(root, 0)])];
    const full = count === (pages === 1 ? onlyCapacity : recordsOfPages(pages));
    const another = full && onlyCapacity === PAGE_RECORDS ? 1 : 0;
    const rootClass = classFor(rootWords(pages + another, segments));
    if (rootClass === -1) return false;
    if (rootClass > this.#heap.classOf(root) && !this.#resizeRoot(shard, cell, rootClass)) return false;
    if (!full) return true;
    if (another === 0) return this.#resizeOnlyPage(shard, cell, this.#pageClass(count + 1));
    root = words[cell];
    const page = this.#heap.allocate(shard, this.#fullPageClass, referenceCell(root, pages));
    if (page === 0) return false;
    words[referenceCell(root, pages)] = page;
    setReferenceCount(words, root, pages + 1);
    return true;
  }

  /** Frees an empty last page. Shrinks a single page and the root to what they need. */
  trim(shard: number, cell: number): void {
    const words = this.#words;
    const count = listCount(words, cell);
    const pages = referenceCount(words, words[cell]);
    if (pages > 1 && count <= recordsOfPages(pages - 1)) this.#dropLastPage(shard, cell);
    const root = words[cell];
    if (referenceCount(words, root) === 1) {
      const wanted = this.#pageClass(count);
      if (wanted < this.#heap.classOf(words[referenceCell(root, 0)]))
        this.#resizeOnlyPage(shard, cell, wanted);
    }
    const kept = words[cell];
    const rootClass = classFor(rootWords(referenceCount(words, kept), words[this.#segments.countCell(kept)]));
    if (rootClass < this.#heap.classOf(kept)) this.#resizeRoot(shard, cell, rootClass);
  }

  #dropLastPage(shard: number, cell: number): void {
    const words = this.#words;
    const root = words[cell];
    const pages = referenceCount(words, root) - 1;
    setReferenceCount(words, root, pages);
    this.#heap.free(shard, words[referenceCell(root, pages)]);
  }

  #resizeOnlyPage(shard: number, cell: number, sizeClass: number): boolean {
    const words = this.#words;
    const root = words[cell];
    const old = words[referenceCell(root, 0)];
    const page = this.#heap.allocate(shard, sizeClass, referenceCell(root, 0));
    if (page === 0) return false;
    const count = listCount(words, cell);
    words.copyWithin(firstRecord(page), firstRecord(old), firstRecord(old) + count * this.#stride);
    const oldHeads = this.#headCell(root, 0);
    words[referenceCell(root, 0)] = page;
    words.copyWithin(this.#headCell(root, 0), oldHeads, oldHeads + bucketsFor(count));
    this.#heap.free(shard, old);
    return true;
  }

  #resizeRoot(shard: number, cell: number, sizeClass: number): boolean {
    const words = this.#words;
    const old = words[cell];
    const root = this.#heap.allocate(shard, sizeClass, rootOwner(cell));
    if (root === 0) return false;
    const pages = referenceCount(words, old);
    setReferenceCount(words, root, pages);
    copyWords(words, referenceCell(old, 0), words, referenceCell(root, 0), pages);
    this.#segments.copy(old, root);
    words[cell] = root;
    this.#heap.adoptReferences(root);
    this.#heap.free(shard, old);
    return true;
  }
}
