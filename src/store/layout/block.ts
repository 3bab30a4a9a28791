/**
 * Blocks of the heap (heap.ts): 32-bit words in chunks of equal size. A block is named by its first word, a *reference*;
 * 0 is no block. Its first word is the owner word:
 *
 *     root:1  owner:31, the index of the word that holds the reference to the block
 *
 * A *root* owns other blocks. Its word 1 counts the references that it holds, from word 2 on.
 */
import { defineWord } from "./word.ts";

/** Words in a chunk. */
export const CHUNK_WORDS = 8192;
const CHUNK_SHIFT = Math.log2(CHUNK_WORDS);

const OWNER = defineWord("owner word", { root: 1, owner: 31 });
const ROOT = OWNER.root.mask;
const OWNER_MASK = OWNER.owner.mask;

/** Words of a heap, at most: an owner word can name each of them. */
export const HEAP_WORDS_MAX = OWNER_MASK;

const COUNT = 1;
const FIRST = 2;

/** The chunk that a word is in. */
export function chunkOf(ref: number): number {
  return ref >>> CHUNK_SHIFT;
}

/** The first word of a chunk. */
export function chunkStart(chunk: number): number {
  return chunk << CHUNK_SHIFT;
}

/** The owner word of a root that the word at `owner` refers to. */
export function rootOwner(owner: number): number {
  return owner | ROOT;
}

/** Whether a block is a root. */
export function isRoot(words: Uint32Array, ref: number): boolean {
  return (words[ref] & ROOT) !== 0;
}

/** The word that refers to a block. */
export function ownerOf(words: Uint32Array, ref: number): number {
  return words[ref] & OWNER_MASK;
}

/** Sets {@link ownerOf}. */
export function setOwner(words: Uint32Array, ref: number, owner: number): void {
  words[ref] = (words[ref] & ROOT) | owner;
}

/** The number of references that a root holds. */
export function referenceCount(words: Uint32Array, root: number): number {
  return words[root + COUNT];
}

/** Sets {@link referenceCount}. */
export function setReferenceCount(words: Uint32Array, root: number, count: number): void {
  words[root + COUNT] = count;
}

/** Words of a root before its references. */
export const ROOT_HEADER_WORDS = FIRST;

/** The word of a root that holds its reference with this number. */
export function referenceCell(root: number, number: number): number {
  return root + FIRST + number;
}
