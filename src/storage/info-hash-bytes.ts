/** Converts info-hashes between memory, where they are five words, and databases, where they are 20 bytes. */
import { readWord, writeWord } from "../model/address.ts";

/** Bytes of an info-hash. */
export const INFO_HASH_BYTES = 20;
const WORDS = INFO_HASH_BYTES / 4;

/** The bytes of the info-hash that begins at `words[at]`. */
export function hashBytes(words: Uint32Array, at: number): Uint8Array {
  const bytes = new Uint8Array(INFO_HASH_BYTES);
  for (let i = 0; i < WORDS; i++) writeWord(bytes, 4 * i, words[at + i]);
  return bytes;
}

/** Writes an info-hash of 20 bytes to the five words at `words[at]`. */
export function setHashWords(words: Uint32Array, at: number, bytes: Uint8Array): void {
  for (let i = 0; i < WORDS; i++) words[at + i] = readWord(bytes, 4 * i);
}
