/**
 * Parses queries (`key=value&key=value`) in bytes, as BitTorrent clients write them. `%xx` is an escape; all other
 * characters, including `+`, are literal. Keys are compared without unescaping, as no client escapes them.
 */
import { hexDigit } from "./ascii.ts";

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;

/** Returned by decoding for a `%` without two hexadecimal digits. */
export const BROKEN_ESCAPE = -1;

/** Returned by decoding for a value longer than the buffer. */
export const TOO_LONG = -2;

/** An iterator over the pairs of a query, from left to right. Mutable, reused for every request. */
export class QueryWalk {
  /** Location of the key that {@link next} found. */
  keyStart = 0;
  keyEnd = 0;
  /** Start of its value. A key without `=` has an empty value. */
  valueStart = 0;
  #at = 0;
  #end = 0;

  /** Starts with the query in `[start, end)`, without its `?`. */
  open(start: number, end: number): void {
    this.#at = start;
    this.#end = end;
  }

  /** Moves to the next key. The caller then decodes or skips its value. @returns whether there was one. */
  next(bytes: Uint8Array): boolean {
    const end = this.#end;
    let i = this.#at;
    if (i >= end) return false;
    this.keyStart = i;
    while (i < end && bytes[i] !== EQUALS && bytes[i] !== AMPERSAND) i++;
    this.keyEnd = i;
    if (i < end && bytes[i] === EQUALS) i++;
    this.valueStart = i;
    this.#at = i;
    return true;
  }

  /** Skips the value, or the rest of it. @returns its end. */
  skipValue(bytes: Uint8Array): number {
    const end = this.#end;
    let i = this.#at;
    while (i < end && bytes[i] !== AMPERSAND) i++;
    this.#at = i + 1;
    return i;
  }

  /** Decodes the value into `out`. @returns its length, {@link BROKEN_ESCAPE} or {@link TOO_LONG}. */
  decodeValue(bytes: Uint8Array, out: Uint8Array): number {
    const end = this.#end;
    const room = out.length;
    let length = 0;
    let i = this.#at;
    for (; i < end && bytes[i] !== AMPERSAND; i++) {
      let byte = bytes[i];
      if (byte === PERCENT) {
        byte = end - i > 2 ? (hexDigit(bytes[i + 1]) << 4) | hexDigit(bytes[i + 2]) : BROKEN_ESCAPE;
        if (byte < 0) return this.#leaveValue(bytes, BROKEN_ESCAPE);
        i += 2;
      }
      if (length === room) return this.#leaveValue(bytes, TOO_LONG);
      out[length++] = byte;
    }
    this.#at = i + 1;
    return length;
  }

  #leaveValue(bytes: Uint8Array, reason: number): number {
    this.skipValue(bytes);
    return reason;
  }
}
