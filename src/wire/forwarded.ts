/**
 * Iterates over the hops in `Forwarded` (RFC 7239) or `X-Forwarded-For` from the right. The rightmost hop comes from
 * the nearest proxy, which can be verified; the leftmost may be forged by the client. Text further left never changes
 * how the text to its right is parsed.
 */
import type { Address } from "../model/address.ts";
import { NO_ENDPOINT, parseEndpoint } from "./address-bytes.ts";
import { ascii, equalsIgnoreCase, isBlank, isToken, skipBlanks, trimBlanks } from "./ascii.ts";
import type { FieldLines } from "./http-request.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const UNDERSCORE = 0x5f;

const FOR = ascii("for");

/** The two header syntaxes. */
export const HOP_SYNTAX = { forwarded: 0, xForwardedFor: 1 } as const;
type HopSyntax = (typeof HOP_SYNTAX)[keyof typeof HOP_SYNTAX];

/** An iterator over the hops of one request. Mutable, reused for every request. */
export class HopWalk {
  readonly #syntax: HopSyntax;
  /** Number of lines not yet started, and the rest of the current one: `[#lineStart, #at)`. */
  #lines = 0;
  #lineStart = 0;
  #at = -1;
  /** The current element, without surrounding blanks. */
  #start = 0;
  #end = 0;

  constructor(syntax: HopSyntax) {
    this.#syntax = syntax;
  }

  /** Starts at the right end of a request's header lines. */
  open(lines: FieldLines): void {
    this.#lines = lines.count;
    this.#lineStart = 0;
    this.#at = -1;
  }

  /**
   * Moves to the next hop to the left.
   * @returns whether there is one with an address. An obfuscated (`unknown`, `_name`) or malformed hop has none, and
   *   the hops to its left must not be trusted.
   */
  next(bytes: Uint8Array, lines: FieldLines, hop: Address): boolean {
    if (!this.#previousElement(bytes, lines)) return false;
    if (this.#syntax === HOP_SYNTAX.forwarded && !this.#narrowToFor(bytes)) return false;
    return parseEndpoint(bytes, this.#start, this.#end, hop) !== NO_ENDPOINT;
  }

  /** Moves to the next non-empty list element to the left. */
  #previousElement(bytes: Uint8Array, lines: FieldLines): boolean {
    for (;;) {
      while (this.#at < this.#lineStart) {
        if (this.#lines === 0) return false;
        this.#lines--;
        this.#lineStart = lines.starts[this.#lines];
        this.#at = lines.ends[this.#lines];
      }
      const comma = this.#commaBefore(bytes, this.#at);
      this.#start = skipBlanks(bytes, comma + 1, this.#at);
      this.#end = trimBlanks(bytes, this.#start, this.#at);
      this.#at = comma;
      if (this.#start < this.#end) return true;
    }
  }

  /** Index of the comma before the element that ends at `end`, or the index before the line's first byte. */
  #commaBefore(bytes: Uint8Array, end: number): number {
    let quoted = false;
    let i = end - 1;
    for (; i >= this.#lineStart; i--) {
      if (bytes[i] === COMMA && !quoted) break;
      if (bytes[i] === QUOTE && this.#syntax === HOP_SYNTAX.forwarded) {
        quoted = !quoted || this.#isEscaped(bytes, i);
      }
    }
    return i;
  }

  /** Whether an odd number of backslashes precedes the byte at `index`. */
  #isEscaped(bytes: Uint8Array, index: number): boolean {
    let i = index;
    while (i > this.#lineStart && bytes[i - 1] === BACKSLASH) i--;
    return (index - i) % 2 === 1;
  }

  /**
   * Narrows the element, `name=value;name="value"`, to the value of its only `for`, without quotes and obfuscated port.
   */
  #narrowToFor(bytes: Uint8Array): boolean {
    const end = this.#end;
    let forStart = -1;
    let forEnd = -1;
    let i = this.#start;
    while (i < end) {
      if (bytes[i] === SEMICOLON || isBlank(bytes[i])) {
        i++;
        continue;
      }
      const nameStart = i;
      while (i < end && isToken(bytes[i])) i++;
      const nameEnd = i;
      if (i === nameStart || i === end || bytes[i] !== EQUALS) return false;
      const isQuoted = i + 1 < end && bytes[i + 1] === QUOTE;
      const valueStart = isQuoted ? i + 2 : i + 1;
      const valueEnd = isQuoted ? quotedEnd(bytes, valueStart, end) : unquotedEnd(bytes, valueStart, end);
      i = skipBlanks(bytes, isQuoted ? valueEnd + 1 : valueEnd, end);
      if (valueEnd > end || (i < end && bytes[i] !== SEMICOLON)) return false;
      if (!equalsIgnoreCase(bytes, nameStart, nameEnd, FOR)) continue;
      if (forStart >= 0) return false;
      forStart = valueStart;
      forEnd = valueEnd;
    }
    this.#start = forStart;
    this.#end = hiddenPort(bytes, forStart, forEnd);
    return forStart >= 0;
  }
}

/** Index of the closing quote of a quoted string, or `end + 1` if there is none. */
function quotedEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i < end ? i : end + 1;
}

/** End of an unquoted value. Some senders omit required quotes, so it includes all bytes that cannot be separators. */
function unquotedEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== SEMICOLON && !isBlank(bytes[i])) i++;
  return i;
}

/** Start of an obfuscated port (`:_name`, RFC 7239 6), or `end`. The port is not needed. */
function hiddenPort(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i + 1 < end; i++) if (bytes[i] === COLON && bytes[i + 1] === UNDERSCORE) return i;
  return end;
}
