/**
 * Reads untrusted bencode (BEP 3) in place, without recursion, copies or exceptions. Every step advances, so reading
 * terminates.
 */

/** The kinds of bencoded values. */
type BencodeKind = "integer" | "string" | "list" | "dictionary";

/** A value within the input. */
export interface BencodeValue {
  readonly kind: BencodeKind;
  /** The content of a string, the digits of an integer, or the items of a list or dictionary. */
  readonly start: number;
  readonly end: number;
  /** Offset behind the value. */
  readonly next: number;
}

/** Nesting depth. Trackers' replies have three levels. */
const DEPTH_LIMIT = 16;

const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const COLON = 0x3a;
const END = 0x65;
const INTEGER = 0x69;
const LIST = 0x6c;
const DICTIONARY = 0x64;
/** Digits of an integer with its sign (64 bits need up to 20), and of a string's length. */
const INTEGER_DIGITS = 20;
const LENGTH_DIGITS = 8;

/** The value at `start`, if it lies within `[start, end)`; else undefined. */
export function readValue(bytes: Uint8Array, start: number, end: number): BencodeValue | undefined {
  const simple = readSimple(bytes, start, end);
  if (simple !== undefined) return simple;
  const kind = kindOfContainer(bytes[start]);
  if (start >= end || kind === undefined) return undefined;
  const next = skipContainer(bytes, start, end);
  return next < 0 ? undefined : { kind, start: start + 1, end: next - 1, next };
}

/** Calls `visit` with each item of a list. @returns false if `visit` returned false, or an item is malformed. */
export function visitList(
  bytes: Uint8Array,
  list: BencodeValue,
  visit: (value: BencodeValue) => boolean,
): boolean {
  for (let at = list.start; at < list.end; ) {
    const value = readValue(bytes, at, list.end);
    if (value === undefined || !visit(value)) return false;
    at = value.next;
  }
  return true;
}

/**
 * The values of a dictionary by key, as Latin-1 text. The first of equal keys counts; keys need not be sorted.
 * @param limit of keys that are read.
 */
export function readDictionary(
  bytes: Uint8Array,
  dictionary: BencodeValue,
  limit = 64,
): Map<string, BencodeValue> {
  const values = new Map<string, BencodeValue>();
  let at = dictionary.start;
  for (let i = 0; i < limit && at < dictionary.end; i++) {
    const key = readValue(bytes, at, dictionary.end);
    const value = key && readValue(bytes, key.next, dictionary.end);
    if (key === undefined || value === undefined) break;
    const name = latin1(bytes, key.start, Math.min(key.end, key.start + 64));
    if (!values.has(name)) values.set(name, value);
    at = value.next;
  }
  return values;
}

/** An integer's value, or undefined for other kinds. Beyond 2^53 it is rounded to a double. */
export function integerOf(bytes: Uint8Array, value: BencodeValue | undefined): number | undefined {
  if (value?.kind !== "integer") return undefined;
  return Number(latin1(bytes, value.start, value.end));
}

/** Bytes as text, one character each. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** An integer or string, or undefined. */
function readSimple(bytes: Uint8Array, start: number, end: number): BencodeValue | undefined {
  if (bytes[start] === INTEGER) {
    const sign = Number(bytes[start + 1] === MINUS);
    const close = skipDigits(bytes, start + 1 + sign, end, INTEGER_DIGITS);
    if (close < 0 || bytes[close] !== END) return undefined;
    return { kind: "integer", start: start + 1, end: close, next: close + 1 };
  }
  const colon = skipDigits(bytes, start, end, LENGTH_DIGITS);
  if (colon < 0 || bytes[colon] !== COLON) return undefined;
  let length = 0;
  for (let i = start; i < colon; i++) length = length * 10 + bytes[i] - ZERO;
  const next = colon + 1 + length;
  return next > end ? undefined : { kind: "string", start: colon + 1, end: next, next };
}

/** The end of the digits at `start`, less than `end`. -1 if there are none, or more than `limit`. */
function skipDigits(bytes: Uint8Array, start: number, end: number, limit: number): number {
  let at = start;
  while (at < end && at - start <= limit && bytes[at] >= ZERO && bytes[at] <= NINE) at++;
  return at === start || at >= end || at - start > limit ? -1 : at;
}

function kindOfContainer(letter: number): "list" | "dictionary" | undefined {
  if (letter === LIST) return "list";
  return letter === DICTIONARY ? "dictionary" : undefined;
}

/**
 * The end of the list or dictionary at `start`, or -1. Keys of a dictionary must be strings, each followed by a value.
 */
function skipContainer(bytes: Uint8Array, start: number, end: number): number {
  // One bit for each level, the deepest one lowest: whether it is a dictionary, and whether a key awaits its value.
  let dictionaries = 0;
  let awaiting = 0;
  let depth = 0;
  for (let at = start; at < end; ) {
    const letter = bytes[at];
    const inKey = (dictionaries & 1) === 1 && (awaiting & 1) === 0 && depth > 0;
    if (letter === END) {
      if (depth === 0 || (awaiting & 1) === 1) return -1;
      at++;
      depth--;
      dictionaries >>>= 1;
      awaiting >>>= 1;
      if (depth === 0) return at;
      awaiting &= ~1;
      continue;
    }
    const container = kindOfContainer(letter);
    if (container !== undefined) {
      if (inKey || depth === DEPTH_LIMIT) return -1;
      depth++;
      dictionaries = (dictionaries << 1) | Number(container === "dictionary");
      awaiting <<= 1;
      at++;
      continue;
    }
    const value = readSimple(bytes, at, end);
    if (value === undefined || (inKey && value.kind !== "string")) return -1;
    awaiting = inKey ? awaiting | 1 : awaiting & ~1;
    at = value.next;
  }
  return -1;
}
