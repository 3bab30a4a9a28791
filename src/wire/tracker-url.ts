/**
 * Parses the URL of an upstream tracker in bytes. Ambiguous URLs are refused: userinfo, fragments, backslashes, white
 * space, control characters. The sender of requests decides whether the server is allowed.
 */
import { ascii, equalsIgnoreCase, isVisible } from "./ascii.ts";

/** Schemes of trackers. */
export const SCHEME = { http: 0, https: 1, udp: 2 } as const;
export type Scheme = (typeof SCHEME)[keyof typeof SCHEME];

/** Limit in bytes: a host of 253 bytes, or an address in brackets, and a port. */
export const AUTHORITY_LIMIT = 260;

const HASH = 0x23;
const SLASH = 0x2f;
const COLON = 0x3a;
const QUESTION = 0x3f;
const CLOSE = 0x5d;

const SCHEMES = [ascii("http"), ascii("https"), ascii("udp")] as const;

/** Letters, digits, and the other characters of hosts and ports. */
const IN_AUTHORITY = new Uint8Array(256);
for (const byte of ascii("-.:_[]")) IN_AUTHORITY[byte] = 1;
for (let byte = 0; byte < 256; byte++) {
  if (/[a-z0-9]/i.test(String.fromCharCode(byte)) && byte < 0x80) IN_AUTHORITY[byte] = 1;
}

/** One URL. Mutable, reused for every request. Offsets refer to {@link bytes}. */
export class TrackerUrl {
  bytes: Uint8Array = new Uint8Array(0);
  scheme: Scheme = SCHEME.http;
  /** Host and port, unchanged. */
  authorityStart = 0;
  authorityEnd = 0;
  /** The path, followed by `?` and the query, if any. */
  pathStart = 0;
  /** The query without its `?`. It extends to the end of the URL. */
  queryStart = 0;
  queryEnd = 0;

  /** Parses `scheme://authority/path?query`. @returns whether it is valid. */
  parse(bytes: Uint8Array, start: number, end: number): boolean {
    let i = start;
    while (i < end && bytes[i] !== COLON) i++;
    const scheme = schemeOf(bytes, start, i);
    if (scheme === undefined || end - i < 3 || bytes[i + 1] !== SLASH || bytes[i + 2] !== SLASH) return false;
    const authority = i + 3;
    i = authority;
    while (i < end && bytes[i] !== SLASH && bytes[i] !== QUESTION) i++;
    return this.set(bytes, scheme, authority, i, i, end);
  }

  /**
   * Sets the parts: an authority, and adjacent path and query. Per request, so without an options object. @returns
   * whether they are valid.
   */
  set(
    bytes: Uint8Array,
    scheme: Scheme,
    authorityStart: number,
    authorityEnd: number,
    pathStart: number,
    end: number,
  ): boolean {
    const length = authorityEnd - authorityStart;
    if (length === 0 || length > AUTHORITY_LIMIT) return false;
    for (let i = authorityStart; i < authorityEnd; i++) if (IN_AUTHORITY[bytes[i]] === 0) return false;
    let query = pathStart;
    while (query < end && bytes[query] !== QUESTION) query++;
    for (let i = pathStart; i < end; i++) if (!isVisible(bytes[i]) || bytes[i] === HASH) return false;
    this.bytes = bytes;
    this.scheme = scheme;
    this.authorityStart = authorityStart;
    this.authorityEnd = authorityEnd;
    this.pathStart = pathStart;
    this.queryStart = Math.min(query + 1, end);
    this.queryEnd = end;
    return true;
  }
}

/** End of the host in an authority, before its port. */
export function hostEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = end;
  while (i > start && bytes[i - 1] !== COLON && bytes[i - 1] !== CLOSE) i--;
  return i > start && bytes[i - 1] === COLON ? i - 1 : end;
}

function schemeOf(bytes: Uint8Array, start: number, end: number): Scheme | undefined {
  if (equalsIgnoreCase(bytes, start, end, SCHEMES[SCHEME.http])) return SCHEME.http;
  if (equalsIgnoreCase(bytes, start, end, SCHEMES[SCHEME.https])) return SCHEME.https;
  return equalsIgnoreCase(bytes, start, end, SCHEMES[SCHEME.udp]) ? SCHEME.udp : undefined;
}
