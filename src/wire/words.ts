/** Reads four bytes at once, in a quarter of the time that single bytes take. */
import { isVisible } from "./ascii.ts";

/** The highest bit of each byte of a word, and bytes that are 1 and 33. */
const HIGH_BITS = 0x80808080 | 0;
const ONES = 0x01010101;
const FIRST_VISIBLE = 0x21212121;

/**
 * The least length of a buffer for which there is a view. An engine's receive buffer is longer, and stays. The start of a
 * request that is served later is in a buffer of its own: a view of each of these would be garbage.
 */
export const VIEWED_BYTES = 2 ** 20;

let viewed: Uint8Array = new Uint8Array(0);
let view: DataView = new DataView(viewed.buffer);

/** A view of the same bytes, or null if there is none. Only the last one is kept. */
export function viewOf(bytes: Uint8Array): DataView | null {
  if (bytes === viewed) return view;
  if (bytes.length < VIEWED_BYTES) return null;
  view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  viewed = bytes;
  return view;
}

/** The four bytes at `at`, the first one lowest. @param words their view, if there is one. */
function wordAt(bytes: Uint8Array, words: DataView | null, at: number): number {
  if (words !== null) return words.getInt32(at, true);
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

/** The end of the visible bytes (see {@link isVisible}) at the start of `[start, stop)`. */
export function skipVisible(bytes: Uint8Array, start: number, stop: number): number {
  const words = viewOf(bytes);
  let i = start;
  for (; i + 8 <= stop; i += 8) {
    const first = wordAt(bytes, words, i);
    const second = wordAt(bytes, words, i + 4);
    if ((suspects(first) | suspects(second)) !== 0) break;
  }
  while (i < stop && isVisible(bytes[i])) i++;
  return i;
}

/**
 * Not 0 if a byte of the word is not visible, or beyond ASCII. Of a byte below 33, the first difference has the highest
 * bit, and of 127 the sum has it. A borrow or a carry comes only from such a byte, or from one beyond ASCII.
 */
function suspects(word: number): number {
  return ((word - FIRST_VISIBLE) | (word + ONES) | word) & HIGH_BITS;
}

/** Whether the `length` bytes at `a[at]` equal those at `b[bAt]`. */
export function equalsAt(a: Uint8Array, at: number, b: DataView, bAt: number, length: number): boolean {
  const words = viewOf(a);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    if (wordAt(a, words, at + i) !== b.getInt32(bAt + i, true)) return false;
  }
  for (; i < length; i++) if (a[at + i] !== b.getUint8(bAt + i)) return false;
  return true;
}

/** A hash of `[start, end)`. Not a secret one: whoever sends the bytes can find others with the same hash. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  const words = viewOf(bytes);
  let hash = end - start;
  let i = start;
  for (; i + 4 <= end; i += 4) hash = Math.imul(hash ^ wordAt(bytes, words, i), 0x9e3779b1);
  for (; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
