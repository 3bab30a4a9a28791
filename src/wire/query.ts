/**
 * Parses queries (`key=value&key=value`) in bytes, as BitTorrent clients write them. `%xx` is an escape; all other
 * characters, including `+`, are literal. Keys are compared without unescaping, as no client escapes them.
 */
import { equalsBytes, hexDigit } from "./ascii.ts";
import { viewOf } from "./words.ts";

const AMPERSAND = 0x26;
const EQUALS = 0x3d;
const PERCENT = 0x25;
const ZERO = 0x30;

/** Returned by decoding for a `%` without two hexadecimal digits. */
export const BROKEN_ESCAPE = -1;

/** Returned by decoding for a value longer than the buffer. */
export const TOO_LONG = -2;

/** Bytes of an info-hash and of a peer_id, and the most that their values take. */
const LONG_BYTES = 20;
const LONG_VALUE = 3 * LONG_BYTES;

/** Longest number that {@link QueryWalk.takeNumber} reads: it is exact as a double. */
const NUMBER_DIGITS = 15;

/** Of each byte in a value: how many bytes it takes there; and all bits if it is a `%`, or if it ends the value. */
const STEP = new Uint8Array(256).fill(1);
STEP[PERCENT] = 3;
const IS_ESCAPE = new Int32Array(256);
IS_ESCAPE[PERCENT] = -1;
const IS_END = new Int32Array(256);
IS_END[AMPERSAND] = -1;

/** Digits of 32 bits. */
const HEX_DIGITS = 8;

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

  /**
   * Moves to the next key if that is `key`, and has a value.
   * @returns whether it is. Otherwise it does not move; {@link next} does.
   */
  takeKey(bytes: Uint8Array, key: Uint8Array): boolean {
    const start = this.#at;
    const end = start + key.length;
    if (end >= this.#end || !equalsBytes(bytes, start, end, key) || bytes[end] !== EQUALS) return false;
    this.keyStart = start;
    this.keyEnd = end;
    this.valueStart = end + 1;
    this.#at = end + 1;
    return true;
  }

  /**
   * Decodes a value of 20 bytes into five words at `words[index]`. Which of the bytes are escaped is random, so there
   * are no branches: the processor would predict half of them wrong.
   * @returns whether there is such a value, and room for a longer one after it. Otherwise it does not move.
   */
  takeWords(bytes: Uint8Array, words: Uint32Array, index: number): boolean {
    let i = this.#at;
    if (i + LONG_VALUE > bytes.length) return false;
    if (this.#takePlainWords(bytes, words, index)) return true;
    let wrong = 0;
    for (let word = 0; word < LONG_BYTES / 4; word++) {
      let value = 0;
      for (let byte = 0; byte < 4; byte++) {
        const first = bytes[i];
        const mask = IS_ESCAPE[first];
        const escaped = (hexDigit(bytes[i + 1]) << 4) | hexDigit(bytes[i + 2]);
        // -1 if a digit is none.
        wrong |= IS_END[first] | (escaped & mask);
        value = (value << 8) | ((first & ~mask) | (escaped & mask));
        i += STEP[first];
      }
      words[index + word] = value;
    }
    if (wrong < 0 || i > this.#end || (i < this.#end && bytes[i] !== AMPERSAND)) return false;
    this.#at = i + 1;
    return true;
  }

  /** Does that for a value without escapes, in a buffer that has a view. */
  #takePlainWords(bytes: Uint8Array, words: Uint32Array, index: number): boolean {
    const view = viewOf(bytes);
    if (view === null) return false;
    const start = this.#at;
    const stop = start + LONG_BYTES;
    for (let i = 0; i < LONG_BYTES; i += 4) {
      const word = view.getUint32(start + i);
      if (hasMark(word)) return false;
      words[index + (i >> 2)] = word;
    }
    if (stop > this.#end || (stop < this.#end && bytes[stop] !== AMPERSAND)) return false;
    this.#at = stop + 1;
    return true;
  }

  /** Reads a value of up to eight hexadecimal digits. @returns whether it is one. Otherwise it does not move. */
  takeHex(bytes: Uint8Array, out: Int32Array): boolean {
    const end = this.#end;
    const start = this.#at;
    let value = 0;
    let i = start;
    for (; i < end && bytes[i] !== AMPERSAND; i++) {
      const digit = hexDigit(bytes[i]);
      if (digit < 0 || i === start + HEX_DIGITS) return false;
      value = (value << 4) | digit;
    }
    out[0] = value;
    this.#at = i + 1;
    return true;
  }

  /** Reads a value of a few digits. @returns the number; -1 if it is something else. Then it does not move. */
  takeNumber(bytes: Uint8Array): number {
    const start = this.#at;
    const end = this.#end;
    let value = 0;
    let i = start;
    for (; i < end && bytes[i] !== AMPERSAND; i++) {
      const digit = bytes[i] - ZERO;
      if (digit < 0 || digit > 9 || i === start + NUMBER_DIGITS) return -1;
      value = value * 10 + digit;
    }
    if (i === start) return -1;
    this.#at = i + 1;
    return value;
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

/** Whether a byte of the word is `$`, `%`, `&` or `'`: they differ in the two lowest bits only. */
function hasMark(word: number): boolean {
  const difference = (word & 0xfcfcfcfc) ^ 0x24242424;
  return ((difference - 0x01010101) & ~difference & 0x80808080) !== 0;
}
