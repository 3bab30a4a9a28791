/**
 * A query (`key=value&key=value`) in bytes, as BitTorrent clients write it: `%xx` is an escape in either case, and
 * everything else, `+` too, is itself. A key is compared as it stands; no client escapes one.
 */
import { hexDigit } from "./ascii.ts";

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;

/** What decoding returns for a `%` without two hexadecimal digits after it. */
export const BROKEN_ESCAPE = -1;

/** What decoding returns for a value that there is no room for. */
export const TOO_LONG = -2;

/** Walks the pairs of a query, in one pass from left to right. Mutable, used again for every request. */
export class QueryWalk {
  /** Where the key is that {@link next} found. */
  keyStart = 0;
  keyEnd = 0;
  /** Where its value begins. A key without `=` has an empty one. */
  valueStart = 0;
  #at = 0;
  #end = 0;

  /** Begins with the query in `[start, end)`, without its `?`. */
  open(start: number, end: number): void {
    this.#at = start;
    this.#end = end;
  }

  /** Finds the next key, whose value is then to be decoded or skipped. @returns whether there was one. */
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

  /** Passes the value, or what is left of it. @returns where it ends. */
  skipValue(bytes: Uint8Array): number {
    const end = this.#end;
    let i = this.#at;
    while (i < end && bytes[i] !== AMPERSAND) i++;
    this.#at = i + 1;
    return i;
  }

  /** Decodes the value to the front of `out`. @returns its length, {@link BROKEN_ESCAPE} or {@link TOO_LONG}. */
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
