/**
 * Lists of peers (peer-list.ts). A list is named by its *cell*, two words of its swarm's entry (entry.ts):
 *
 *     reference to the list's block, 0 for an empty list
 *     not the list's:11  peers:21
 *
 * A *small list* is one block. A *large list* is a root (block.ts) and pages:
 *
 *     small     [owner] [record] × peers
 *     page      [owner] [record, chain] × capacity, [head] × capacity / 2
 *     root      [owner] [pages] [reference to a page …] … [segment 1: peers, key] [segment 0: peers, key] [segments] [crowded]
 *
 * A full page holds 256 records. A *position* is a page and a place in it. Chains and heads hold a *link*: a position + 1;
 * 0 ends a chain. Segments, the runs of peers with equal keys, grow from the end of the root towards the front.
 */
import { CHUNK_WORDS, ROOT_HEADER_WORDS } from "./block.ts";
import { checkFits, copyWords, defineWord } from "./word.ts";

// --- cells ---

const COUNT = 1;

/** Bits of a cell's second word that are the number of peers. */
export const COUNT_BITS = 21;
const CELL = defineWord("second word of a list", { other: 32 - COUNT_BITS, peers: COUNT_BITS });
// V8 folds constants of a module that are not exported.
const PEERS = CELL.peers.mask;
const OTHERS = CELL.other.mask;
/** The bits themselves. */
export const COUNT_MASK = PEERS;

/** Peers of the list at `cell`. */
export function listCount(words: Uint32Array, cell: number): number {
  return words[cell + COUNT] & PEERS;
}

/** Sets {@link listCount}. */
export function setListCount(words: Uint32Array, cell: number, count: number): void {
  words[cell + COUNT] = (words[cell + COUNT] & OTHERS) | count;
}

// --- records of a small list, or of a page ---

/** The first record of a block, small list or page. */
export function firstRecord(block: number): number {
  return block + 1;
}

/** Words of a small list with this many records. */
export function smallListWords(records: number, recordWords: number): number {
  return 1 + records * recordWords;
}

/** Word of a root with the reference to its first page. */
const FIRST_PAGE = ROOT_HEADER_WORDS;
const PAGE_SHIFT = 8;
/** Records of a full page. */
export const PAGE_RECORDS = 2 ** PAGE_SHIFT;
const PLACE_MASK = PAGE_RECORDS - 1;
const HEADS_PER_PAGE = PAGE_RECORDS / 2;
const HEADS_SHIFT = PAGE_SHIFT - 1;
const HEAD_MASK = HEADS_PER_PAGE - 1;

/** Records that a page of so many words holds: an even number. @param stride words of a record and its chain. */
export function pageCapacity(blockWords: number, stride: number): number {
  return Math.min(PAGE_RECORDS, Math.floor((blockWords - 1) / (2 * stride + 1)) * 2);
}

/** The record at a position of a large list. @param stride words of a record and its chain. */
export function recordAtPosition(words: Uint32Array, root: number, position: number, stride: number): number {
  const page = words[root + FIRST_PAGE + (position >>> PAGE_SHIFT)];
  return page + 1 + (position & PLACE_MASK) * stride;
}

/** The first position behind `position` whose record does not follow its predecessor's in memory. */
export function pageEnd(position: number): number {
  return (position | PLACE_MASK) + 1;
}

/** Records of so many full pages. */
export function recordsOfPages(pages: number): number {
  return pages << PAGE_SHIFT;
}

// --- chains ---

/** Buckets of a large list with `count` records. */
export function bucketsFor(count: number): number {
  return (count + 1) >>> 1;
}

/** Which page has the head of a bucket. */
export function pageOfBucket(bucket: number): number {
  return bucket >>> HEADS_SHIFT;
}

/** The head of a bucket. @param page its page. @param capacity records of that. @param stride words of a record and its chain. */
export function headCell(page: number, capacity: number, stride: number, bucket: number): number {
  return firstRecord(page) + capacity * stride + (bucket & HEAD_MASK);
}

/** The chain of the record at `record`: its last word. */
export function chainCell(record: number, stride: number): number {
  return record + stride - 1;
}

/** The record whose chain is the word at `chain`. */
export function recordOfChain(chain: number, stride: number): number {
  return chain - stride + 1;
}

// --- segments of a root ---

/** Words besides those of each segment. */
const FIXED_WORDS = 2;
const SEGMENT_WORDS = 2;

/** Words of a root with so many pages and segments. */
export function rootWords(pages: number, segments: number): number {
  return ROOT_HEADER_WORDS + pages + segmentWords(segments);
}

/** Words of so many segments, with their number and the note of a crowd. */
export function segmentWords(segments: number): number {
  return FIXED_WORDS + SEGMENT_WORDS * segments;
}

/** The last word of a root of so many words: whether the list is crowded (large-list.ts). */
export function crowdedCell(root: number, blockWords: number): number {
  return root + blockWords - 1;
}

/** The word of a root with its number of segments. */
export function segmentCountCell(root: number, blockWords: number): number {
  return root + blockWords - FIXED_WORDS;
}

/** The word of a root with the number of a segment's peers. */
export function segmentCell(root: number, blockWords: number, segment: number): number {
  return root + blockWords - FIXED_WORDS - SEGMENT_WORDS - SEGMENT_WORDS * segment;
}

/** The key of the segment at `cell`. */
export function segmentKey(words: Uint32Array, cell: number): number {
  return words[cell + 1];
}

/** Sets {@link segmentKey}. */
export function setSegmentKey(words: Uint32Array, cell: number, key: number): void {
  words[cell + 1] = key;
}

/** Copies the segment with the next number to the one at `cell`. */
export function copyNextSegment(words: Uint32Array, cell: number): void {
  copyWords(words, cell - SEGMENT_WORDS, words, cell, SEGMENT_WORDS);
}

/** Copies the last `count` words of a root to the end of another. @param end and `targetEnd`: the word behind each. */
export function copySegments(words: Uint32Array, end: number, targetEnd: number, count: number): void {
  copyWords(words, end - count, words, targetEnd - count, count);
}

/** Most peers of a list: a root is a chunk at most, and has a segment. */
export const LIST_LENGTH_MAX = (CHUNK_WORDS - rootWords(0, 1)) * PAGE_RECORDS;

checkFits(CELL.peers, LIST_LENGTH_MAX);
