/**
 * Parses the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): a header at the start of a connection,
 * in which a TCP proxy passes on the client's address.
 */
import { Address, readWord } from "../model/address.ts";
import { parseIPv4, parseIPv6 } from "./address-bytes.ts";
import { ascii, equalsBytes } from "./ascii.ts";
import { readDecimal } from "./decimal.ts";

/** The result of parsing a header. */
export const PROXY = {
  /** More bytes are needed. */
  incomplete: 0,
  /** The bytes are not a header. */
  absent: 1,
  /** The bytes start like a header but are invalid or too long. */
  malformed: 2,
  complete: 3,
} as const;
export type ProxyStatus = (typeof PROXY)[keyof typeof PROXY];

/** Longest version 1 header in bytes, with its line end. */
export const PROXY_V1_LIMIT = 107;

/** Longest version 2 header in bytes: the length that every receiver must accept. */
export const PROXY_V2_LIMIT = 536;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

const V1_SIGNATURE = ascii("PROXY ");
const TCP4 = ascii("TCP4");
const TCP6 = ascii("TCP6");
const UNKNOWN = ascii("UNKNOWN");

/** Version 2: signature, version and command, family and protocol, length of the rest (two bytes). */
const V2_SIGNATURE = ascii("\r\n\r\n\0\r\nQUIT\n");
const V2_FIXED_BYTES = 16;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
const V2_UNSPECIFIED = 0x00;
const V2_IPV4_STREAM = 0x11;
const V2_IPV4_DATAGRAM = 0x12;
const V2_IPV6_STREAM = 0x21;
const V2_IPV6_DATAGRAM = 0x22;
const V2_UNIX_STREAM = 0x31;
const V2_UNIX_DATAGRAM = 0x32;
/** Source and destination address, and both ports. */
const V2_IPV4_BYTES = 12;
const V2_IPV6_BYTES = 36;

/** A header at the start of a connection. Mutable, reused for every connection. */
export class ProxyHeader {
  /** After complete: the header's length in bytes. */
  length = 0;
  /** After complete: whether it has the client's address. If not, the client's address is the connection's. */
  hasSource = false;
  readonly source = new Address();
  readonly #destination = new Address();

  /** Parses the start of a connection. */
  parse(bytes: Uint8Array, start: number, end: number): ProxyStatus {
    this.hasSource = false;
    const v1 = matchSignature(bytes, start, end, V1_SIGNATURE);
    if (v1 !== PROXY.absent) return v1 === PROXY.complete ? this.#parseV1(bytes, start, end) : v1;
    const v2 = matchSignature(bytes, start, end, V2_SIGNATURE);
    return v2 === PROXY.complete ? this.#parseV2(bytes, start, end) : v2;
  }

  /**
   * Parses `PROXY TCP4 source destination sourcePort destinationPort` CR LF, or `PROXY UNKNOWN`, anything, and CR LF.
   */
  #parseV1(bytes: Uint8Array, start: number, end: number): ProxyStatus {
    const limit = Math.min(end, start + PROXY_V1_LIMIT);
    let lineEnd = start;
    while (lineEnd < limit && bytes[lineEnd] !== CR) lineEnd++;
    if (lineEnd + 1 >= limit) return end - start < PROXY_V1_LIMIT ? PROXY.incomplete : PROXY.malformed;
    if (bytes[lineEnd + 1] !== LF) return PROXY.malformed;
    this.length = lineEnd + 2 - start;
    const at = start + V1_SIGNATURE.length;
    const source = fieldEnd(bytes, at, lineEnd) + 1;
    if (equalsBytes(bytes, at, source - 1, UNKNOWN)) return PROXY.complete;
    const isIPv4 = equalsBytes(bytes, at, source - 1, TCP4);
    if (!isIPv4 && !equalsBytes(bytes, at, source - 1, TCP6)) return PROXY.malformed;
    const parse = isIPv4 ? parseIPv4 : parseIPv6;
    const destination = fieldEnd(bytes, source, lineEnd) + 1;
    const sourcePort = fieldEnd(bytes, destination, lineEnd) + 1;
    const destinationPort = fieldEnd(bytes, sourcePort, lineEnd) + 1;
    this.hasSource =
      parse(bytes, source, destination - 1, this.source) &&
      parse(bytes, destination, sourcePort - 1, this.#destination) &&
      readDecimal(bytes, sourcePort, destinationPort - 1, 0xffff) >= 0 &&
      readDecimal(bytes, destinationPort, lineEnd, 0xffff) >= 0;
    return this.hasSource ? PROXY.complete : PROXY.malformed;
  }

  /** Parses version 2. LOCAL is the proxy's own health check. UNSPEC and Unix sockets have no usable address. */
  #parseV2(bytes: Uint8Array, start: number, end: number): ProxyStatus {
    if (end - start < V2_FIXED_BYTES) return PROXY.incomplete;
    const command = bytes[start + 12];
    if (command !== V2_LOCAL && command !== V2_PROXY) return PROXY.malformed;
    const length = (bytes[start + 14] << 8) | bytes[start + 15];
    this.length = V2_FIXED_BYTES + length;
    if (this.length > PROXY_V2_LIMIT) return PROXY.malformed;
    if (end - start < this.length) return PROXY.incomplete;
    if (command === V2_LOCAL) return PROXY.complete;
    const addresses = start + V2_FIXED_BYTES;
    switch (bytes[start + 13]) {
      case V2_UNSPECIFIED:
      case V2_UNIX_STREAM:
      case V2_UNIX_DATAGRAM:
        return PROXY.complete;
      case V2_IPV4_STREAM:
      case V2_IPV4_DATAGRAM:
        if (length < V2_IPV4_BYTES) return PROXY.malformed;
        this.source.setIPv4(readWord(bytes, addresses));
        break;
      case V2_IPV6_STREAM:
      case V2_IPV6_DATAGRAM:
        if (length < V2_IPV6_BYTES) return PROXY.malformed;
        this.source.setBytes(bytes, addresses);
        break;
      default:
        return PROXY.malformed;
    }
    this.hasSource = true;
    return PROXY.complete;
  }
}

/** Whether `[start, end)` starts with the signature, may with more bytes, or does not. */
function matchSignature(bytes: Uint8Array, start: number, end: number, signature: Uint8Array): ProxyStatus {
  const present = Math.min(end - start, signature.length);
  for (let i = 0; i < present; i++) if (bytes[start + i] !== signature[i]) return PROXY.absent;
  return present === signature.length ? PROXY.complete : PROXY.incomplete;
}

function fieldEnd(bytes: Uint8Array, start: number, end: number): number {
  let i = start;
  while (i < end && bytes[i] !== SPACE) i++;
  return i;
}
