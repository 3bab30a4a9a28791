/**
 * Walks the hops that `Forwarded` (RFC 7239) or `X-Forwarded-For` name, from the right: from the proxy nearest to
 * us, whose word can be checked, towards whatever the client itself may have made up. What stands further left
 * can not change how something further right is read.
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

/** The two ways of writing hops. */
export const HOP_SYNTAX = { forwarded: 0, xForwardedFor: 1 } as const;
type HopSyntax = (typeof HOP_SYNTAX)[keyof typeof HOP_SYNTAX];

/** A walk over the hops of one request. Mutable, used again for every request. */
export class HopWalk {
  readonly #syntax: HopSyntax;
  /** Lines not yet begun, and what is left of the one begun: `[#lineStart, #at)`. */
  #lines = 0;
  #lineStart = 0;
  #at = -1;
  /** The element found last, without blanks around it. */
  #start = 0;
  #end = 0;

  constructor(syntax: HopSyntax) {
    this.#syntax = syntax;
  }

  /** Begins at the right end of a request's header lines. */
  open(lines: FieldLines): void {
    this.#lines = lines.count;
    this.#lineStart = 0;
    this.#at = -1;
  }

  /**
   * Finds the next hop to the left.
   * @returns whether there is one with an address; one that is hidden (`unknown`, `_name`) or malformed has none,
   *   and what is left of it is not to be believed either.
   */
  next(bytes: Uint8Array, lines: FieldLines, hop: Address): boolean {
    if (!this.#previousElement(bytes, lines)) return false;
    if (this.#syntax === HOP_SYNTAX.forwarded && !this.#narrowToFor(bytes)) return false;
    return parseEndpoint(bytes, this.#start, this.#end, hop) !== NO_ENDPOINT;
  }

  /** Moves to the next element of the list to the left that is not empty. */
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

  /** Where the comma is that an element ending at `end` begins after, or one before the line's first byte. */
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

  /** Narrows the element, `name=value;name="value"`, to the value of its only `for`, without quotes and hidden port. */
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

/** Where the quote is that ends a quoted string, or beyond `end` when there is none. */
function quotedEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i < end ? i : end + 1;
}

/** Where an unquoted value ends. Some write what should be quoted, so whatever can not be a separator belongs to it. */
function unquotedEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== SEMICOLON && !isBlank(bytes[i])) i++;
  return i;
}

/** Where a port that is hidden (`:_name`, RFC 7239 6) begins, or `end`. Nothing is lost: no port is needed. */
function hiddenPort(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i + 1 < end; i++) if (bytes[i] === COLON && bytes[i + 1] === UNDERSCORE) return i;
  return end;
}
