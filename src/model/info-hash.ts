/** Info-hashes: 20 bytes (BEP 3) on the wire and in databases, five words in memory. */
import { readWord, writeWord } from "./address.ts";

/** Bytes of an info-hash. */
export const INFO_HASH_BYTES = 20;

/** Words of an info-hash. */
export const INFO_HASH_WORDS = 5;

/** The bytes of the info-hash that begins at `words[at]`. */
export function infoHashBytes(words: Uint32Array, at = 0): Uint8Array {
  const bytes = new Uint8Array(INFO_HASH_BYTES);
  for (let i = 0; i < INFO_HASH_WORDS; i++) writeWord(bytes, 4 * i, words[at + i]);
  return bytes;
}

/** Writes the words of an info-hash of 20 bytes to `words[at]`. */
export function setInfoHashWords(words: Uint32Array, at: number, bytes: Uint8Array): void {
  for (let i = 0; i < INFO_HASH_WORDS; i++) words[at + i] = readWord(bytes, 4 * i);
}
