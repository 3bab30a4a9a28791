/**
 * Parses the head of an HTTP/1 request (RFC 9112) in place, as offsets, in one pass. It refuses ambiguous input, so
 * that requests cannot be smuggled past a proxy (RFC 9112 11.2).
 */

import { HTTP_ERROR, type HttpErrorCode } from "../model/http-error.ts";
import {
  ascii,
  equalsBytes,
  equalsIgnoreCase,
  isBlank,
  isToken,
  isVisible,
  skipBlanks,
  trimBlanks,
} from "./ascii.ts";
import { KnownHeaders, SAYS } from "./known-headers.ts";
import { skipVisible } from "./words.ts";

/** Limit of a request line in bytes, with its line end and preceding empty lines. */
export const REQUEST_LINE_LIMIT = 16 * 1024;

/** Limit of all header lines together in bytes, with the final empty line. */
export const HEADERS_LIMIT = 16 * 1024;

/** Limit of header lines. */
export const HEADER_LINES_LIMIT = 128;

/** Limit of `Forwarded` lines, and of `X-Forwarded-For` lines. */
export const FORWARDED_LINES_LIMIT = 8;

/** The head is incomplete: parse again with more bytes. */
export const INCOMPLETE = -1;

/** The head is complete and valid. */
export const COMPLETE = 0;

/** The result of parsing a head, or (COMPLETE) a part of it. */
export type HeadStatus = typeof INCOMPLETE | typeof COMPLETE | HttpErrorCode;

/** Empty lines that are tolerated before a request line (RFC 9112 2.2). */
const EMPTY_LINES_LIMIT = 2;

/** Progress: the number of bytes in the low bits, the offset of the request line's LF in the high bits. */
const SEEN_BITS = 15;
const SEEN_MASK = (1 << SEEN_BITS) - 1;

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COMMA = 0x2c;
const SLASH = 0x2f;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const QUESTION = 0x3f;

const GET = ascii("GET");
const HTTP_1 = ascii("HTTP/1.");
const HTTP_SCHEME = ascii("http");
const HTTPS_SCHEME = ascii("https");
const HOST = ascii("host");
const FORWARDED = ascii("forwarded");
const USER_AGENT = ascii("user-agent");
const CONNECTION = ascii("connection");
const CONTENT_LENGTH = ascii("content-length");
const X_FORWARDED_FOR = ascii("x-forwarded-for");
const TRANSFER_ENCODING = ascii("transfer-encoding");
const CLOSE = ascii("close");
const KEEP_ALIVE = ascii("keep-alive");

/** The values of all header lines with one name, in order. */
export class FieldLines {
  count = 0;
  readonly starts = new Int32Array(FORWARDED_LINES_LIMIT);
  readonly ends = new Int32Array(FORWARDED_LINES_LIMIT);
}

/** The head of one request. Mutable, reused for every request. Offsets refer to the parsed bytes. */
export class HttpRequest {
  /** After INCOMPLETE: the argument for the next {@link parse} of the same request. Less than 2^29. */
  progress = 0;
  /** End of the head; the next request may start here. */
  headEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  /** The part after the first `?`; empty if there is none. */
  queryStart = 0;
  queryEnd = 0;
  /** The authority of an absolute target, or else the Host header; empty if there is neither. */
  hostStart = 0;
  hostEnd = 0;
  /** Whether the target is absolute with scheme https. */
  isHttps = false;
  /** The User-Agent header; empty if there is none. */
  userAgentStart = 0;
  userAgentEnd = 0;
  /** Whether the client uses HTTP/1.0. Then the reply must say when the connection stays open. */
  isHttp10 = false;
  /** Whether the connection stays open after this request. */
  keepAlive = false;
  readonly forwarded = new FieldLines();
  readonly xForwardedFor = new FieldLines();

  readonly #known = new KnownHeaders();
  /** Start of the next line. */
  #at = 0;
  #hosts = 0;
  #isAbsolute = false;
  #contentLengths = 0;
  #saysClose = false;
  #saysKeepAlive = false;

  /**
   * Parses the head of one request at the start of `[start, end)`. Errors are found in byte order, so that the result
   * does not depend on how the bytes were split.
   * @param progress 0, or {@link progress} after fewer bytes of the same request. Parsing restarts only if a line may
   *   have ended since then: so a slow sender costs little, and an error in a line may be found only at its end.
   */
  parse(bytes: Uint8Array, start: number, end: number, progress: number): HeadStatus {
    if (progress > 0 && isWaiting(bytes, start, end, progress)) {
      this.progress = (progress & ~SEEN_MASK) | (end - start);
      return INCOMPLETE;
    }
    this.#reset(start);
    const requestLineLimit = start + REQUEST_LINE_LIMIT;
    let status = this.#parseRequestLine(bytes, Math.min(end, requestLineLimit));
    if (status === INCOMPLETE) {
      this.progress = end - start;
      return end < requestLineLimit ? INCOMPLETE : HTTP_ERROR.requestLineTooLong;
    }
    if (status !== COMPLETE) return status;
    const headersLimit = this.#at + HEADERS_LIMIT;
    this.progress = ((this.#at - 1 - start) << SEEN_BITS) | (end - start);
    status = this.#readHeaders(bytes, Math.min(end, headersLimit));
    if (status === INCOMPLETE && end >= headersLimit) return HTTP_ERROR.headersTooLarge;
    this.headEnd = this.#at;
    this.keepAlive = !this.#saysClose && (!this.isHttp10 || this.#saysKeepAlive);
    return status;
  }

  #reset(start: number): void {
    this.forwarded.count = 0;
    this.xForwardedFor.count = 0;
    this.#at = start;
    this.#hosts = 0;
    this.hostStart = 0;
    this.hostEnd = 0;
    this.userAgentStart = 0;
    this.userAgentEnd = 0;
    this.#contentLengths = 0;
    this.#saysClose = false;
    this.#saysKeepAlive = false;
  }

  // Below, `stop` is the end of the available bytes, or of the bytes that this part of the head may have.

  /** Parses `GET target HTTP/1.1` CR LF, and a few empty lines before it. */
  #parseRequestLine(bytes: Uint8Array, stop: number): HeadStatus {
    for (let lines = 0; lines < EMPTY_LINES_LIMIT && this.#at < stop && bytes[this.#at] === CR; lines++) {
      const status = this.#endLine(bytes, this.#at, stop, HTTP_ERROR.requestLine);
      if (status !== COMPLETE) return status;
    }
    const methodStart = this.#at;
    let i = methodStart;
    while (i < stop && isToken(bytes[i])) i++;
    const methodEnd = i;
    if (i === stop) return INCOMPLETE;
    if (i === methodStart || bytes[i] !== SPACE) return unexpected(bytes[i], HTTP_ERROR.requestLine);
    i++;
    const targetStart = i;
    i = skipVisible(bytes, i, stop);
    const targetEnd = i;
    if (i === stop) return INCOMPLETE;
    if (i === targetStart || bytes[i] !== SPACE) return unexpected(bytes[i], HTTP_ERROR.requestLine);
    i++;
    for (let j = 0; j < HTTP_1.length; i++, j++) {
      if (i === stop) return INCOMPLETE;
      if (bytes[i] !== HTTP_1[j]) return unexpected(bytes[i], HTTP_ERROR.requestLine);
    }
    if (i === stop) return INCOMPLETE;
    if (bytes[i] < ZERO || bytes[i] > NINE) return unexpected(bytes[i], HTTP_ERROR.requestLine);
    this.isHttp10 = bytes[i] === ZERO;
    const status = this.#endLine(bytes, i + 1, stop, HTTP_ERROR.requestLine);
    if (status !== COMPLETE) return status;
    if (!equalsBytes(bytes, methodStart, methodEnd, GET)) return HTTP_ERROR.method;
    return this.#parseTarget(bytes, targetStart, targetEnd);
  }

  /** Parses `/path?query`, or `http://authority/path?query`, whose authority replaces the Host (RFC 9112 3.2). */
  #parseTarget(bytes: Uint8Array, start: number, end: number): HeadStatus {
    let i = start;
    this.#isAbsolute = bytes[i] !== SLASH;
    this.isHttps = false;
    if (this.#isAbsolute) {
      i = afterScheme(bytes, start, end);
      this.isHttps = i - start === HTTPS_SCHEME.length + 3;
      this.hostStart = i;
      while (i < end && bytes[i] !== SLASH && bytes[i] !== QUESTION) i++;
      if (i === this.hostStart) return HTTP_ERROR.target;
      this.hostEnd = i;
    }
    this.pathStart = i;
    while (i < end && bytes[i] !== QUESTION) i++;
    this.pathEnd = i;
    this.queryStart = Math.min(i + 1, end);
    this.queryEnd = end;
    return COMPLETE;
  }

  /**
   * Reads all header lines and the empty line after them: only those that are not known are parsed. An absolute target
   * makes the Host header meaningless, and headers of proxies are different for each request.
   */
  #readHeaders(bytes: Uint8Array, stop: number): HeadStatus {
    if (this.#isAbsolute) return this.#parseHeaders(bytes, stop);
    const start = this.#at;
    const known = this.#known;
    const place = known.find(bytes, start, stop);
    if (place >= 0) {
      known.read(place, start, this);
      this.#saysClose = (known.saysOf(place) & SAYS.close) !== 0;
      this.#saysKeepAlive = (known.saysOf(place) & SAYS.keepAlive) !== 0;
      this.#at = start + known.lengthOf(place);
      return COMPLETE;
    }
    const status = this.#parseHeaders(bytes, stop);
    if (status !== COMPLETE || this.forwarded.count > 0 || this.xForwardedFor.count > 0) return status;
    const says = (this.#saysClose ? SAYS.close : 0) | (this.#saysKeepAlive ? SAYS.keepAlive : 0);
    known.add(bytes, start, this.#at, says, this);
    return COMPLETE;
  }

  /** Parses all header lines and the empty line after them. */
  #parseHeaders(bytes: Uint8Array, stop: number): HeadStatus {
    for (let lines = 0; this.#at < stop; lines++) {
      if (bytes[this.#at] === CR) return this.#endLine(bytes, this.#at, stop, HTTP_ERROR.header);
      if (lines === HEADER_LINES_LIMIT) return HTTP_ERROR.headersTooLarge;
      const status = this.#parseHeader(bytes, stop);
      if (status !== COMPLETE) return status;
    }
    return INCOMPLETE;
  }

  /** Parses `Name: value` CR LF. */
  #parseHeader(bytes: Uint8Array, stop: number): HeadStatus {
    const nameStart = this.#at;
    let i = nameStart;
    while (i < stop && isToken(bytes[i])) i++;
    const nameEnd = i;
    if (i === stop) return INCOMPLETE;
    if (i === nameStart || bytes[i] !== COLON) return unexpected(bytes[i], HTTP_ERROR.header);
    i++;
    const valueStart = i;
    while (i < stop && !isControl(bytes[i])) i++;
    const status = this.#endLine(bytes, i, stop, HTTP_ERROR.header);
    return status === COMPLETE ? this.#takeHeader(bytes, nameStart, nameEnd, valueStart, i) : status;
  }

  /** Handles the headers that are needed. Called for every header, so its six offsets are not put into an object. */
  #takeHeader(bytes: Uint8Array, nameStart: number, nameEnd: number, start: number, end: number): HeadStatus {
    switch (nameEnd - nameStart) {
      case HOST.length:
        if (!equalsIgnoreCase(bytes, nameStart, nameEnd, HOST)) return COMPLETE;
        this.#hosts++;
        if (!this.#isAbsolute) this.#takeHost(bytes, start, end);
        return this.#hosts > 1 ? HTTP_ERROR.hostRepeated : COMPLETE;
      case FORWARDED.length:
        if (!equalsIgnoreCase(bytes, nameStart, nameEnd, FORWARDED)) return COMPLETE;
        return addLine(this.forwarded, start, end);
      case CONNECTION.length:
        if (equalsIgnoreCase(bytes, nameStart, nameEnd, CONNECTION)) this.#takeConnection(bytes, start, end);
        else if (equalsIgnoreCase(bytes, nameStart, nameEnd, USER_AGENT))
          this.#takeUserAgent(bytes, start, end);
        return COMPLETE;
      case CONTENT_LENGTH.length:
        if (!equalsIgnoreCase(bytes, nameStart, nameEnd, CONTENT_LENGTH)) return COMPLETE;
        this.#contentLengths++;
        return this.#contentLengths > 1 || !isZero(bytes, start, end) ? HTTP_ERROR.body : COMPLETE;
      case X_FORWARDED_FOR.length:
        if (!equalsIgnoreCase(bytes, nameStart, nameEnd, X_FORWARDED_FOR)) return COMPLETE;
        return addLine(this.xForwardedFor, start, end);
      case TRANSFER_ENCODING.length:
        return equalsIgnoreCase(bytes, nameStart, nameEnd, TRANSFER_ENCODING) ? HTTP_ERROR.body : COMPLETE;
      default:
        return COMPLETE;
    }
  }

  #takeHost(bytes: Uint8Array, start: number, end: number): void {
    this.hostStart = skipBlanks(bytes, start, end);
    this.hostEnd = trimBlanks(bytes, this.hostStart, end);
  }

  #takeUserAgent(bytes: Uint8Array, start: number, end: number): void {
    this.userAgentStart = skipBlanks(bytes, start, end);
    this.userAgentEnd = trimBlanks(bytes, this.userAgentStart, end);
  }

  /** Parses a list of tokens, of which two are known (RFC 9112 9.3). */
  #takeConnection(bytes: Uint8Array, start: number, end: number): void {
    let i = start;
    while (i < end) {
      let comma = i;
      while (comma < end && bytes[comma] !== COMMA) comma++;
      const tokenStart = skipBlanks(bytes, i, comma);
      const tokenEnd = trimBlanks(bytes, tokenStart, comma);
      if (equalsIgnoreCase(bytes, tokenStart, tokenEnd, CLOSE)) this.#saysClose = true;
      if (equalsIgnoreCase(bytes, tokenStart, tokenEnd, KEEP_ALIVE)) this.#saysKeepAlive = true;
      i = comma + 1;
    }
  }

  /**
   * Ends a line at `index`.
   * @param otherwise the error if a printable byte is there.
   */
  #endLine(bytes: Uint8Array, index: number, stop: number, otherwise: HttpErrorCode): HeadStatus {
    if (index === stop) return INCOMPLETE;
    if (bytes[index] !== CR) return unexpected(bytes[index], otherwise);
    if (index + 1 === stop) return INCOMPLETE;
    if (bytes[index + 1] !== LF) return HTTP_ERROR.lineEnd;
    this.#at = index + 2;
    return COMPLETE;
  }
}

/** Whether an incomplete head is certainly still incomplete: no line end among the new bytes, and no limit reached. */
function isWaiting(bytes: Uint8Array, start: number, end: number, progress: number): boolean {
  const lineFeed = progress >>> SEEN_BITS;
  const limit = lineFeed === 0 ? REQUEST_LINE_LIMIT : lineFeed + 1 + HEADERS_LIMIT;
  if (end - start >= limit) return false;
  for (let i = start + (progress & SEEN_MASK); i < end; i++) if (isControl(bytes[i])) return false;
  return true;
}

/** The error for a byte that is not allowed at its place. */
function unexpected(byte: number, otherwise: HttpErrorCode): HttpErrorCode {
  if (byte === LF) return HTTP_ERROR.lineEnd;
  return byte !== CR && isControl(byte) ? HTTP_ERROR.controlByte : otherwise;
}

function isControl(byte: number): boolean {
  return !isVisible(byte) && !isBlank(byte);
}

/** Start of the authority in an absolute target, or `end` if the scheme is unknown. */
function afterScheme(bytes: Uint8Array, start: number, end: number): number {
  let colon = start;
  while (colon < end && bytes[colon] !== COLON) colon++;
  if (end - colon < 3 || bytes[colon + 1] !== SLASH || bytes[colon + 2] !== SLASH) return end;
  const known =
    equalsIgnoreCase(bytes, start, colon, HTTP_SCHEME) || equalsIgnoreCase(bytes, start, colon, HTTPS_SCHEME);
  return known ? colon + 3 : end;
}

/** Whether a Content-Length is 0. */
function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  const first = skipBlanks(bytes, start, end);
  const last = trimBlanks(bytes, first, end);
  for (let i = first; i < last; i++) if (bytes[i] !== ZERO) return false;
  return last > first;
}

function addLine(lines: FieldLines, start: number, end: number): HeadStatus {
  if (lines.count === FORWARDED_LINES_LIMIT) return HTTP_ERROR.tooManyHops;
  lines.starts[lines.count] = start;
  lines.ends[lines.count] = end;
  lines.count++;
  return COMPLETE;
}
