/**
 * Writes bencode (BEP 3) directly into a reply. Each function writes at `offset` and returns the end. The caller sorts
 * the keys of dictionaries, and ensures that there is room.
 */
import { writeDecimal } from "./decimal.ts";

const INTEGER = 0x69;
const END = 0x65;
const COLON = 0x3a;

/** Writes an integer from 0 to 2^53. */
export function writeInteger(bytes: Uint8Array, offset: number, value: number): number {
  bytes[offset] = INTEGER;
  const end = writeDecimal(bytes, offset + 1, value);
  bytes[end] = END;
  return end + 1;
}

/** Writes a byte string. */
export function writeByteString(bytes: Uint8Array, offset: number, content: Uint8Array): number {
  const at = writeDecimal(bytes, offset, content.length);
  bytes[at] = COLON;
  bytes.set(content, at + 1);
  return at + 1 + content.length;
}
