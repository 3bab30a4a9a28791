/**
 * Parses and formats addresses and endpoints as bytes of text. Parsing is strict, so that the result is unambiguous,
 * and allocates nothing. Host names and zones (`%eth0`) are refused. After a failure the contents of the {@link
 * Address} are undefined.
 */
import type { Address } from "../model/address.ts";
import { hexDigit } from "./ascii.ts";
import { readDecimal, writeDecimal } from "./decimal.ts";

const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Returned by {@link parseEndpoint} if the text is not an endpoint. */
export const NO_ENDPOINT = -1;

const groups = new Uint16Array(8);

/**
 * Parses a dotted quad without leading zeros, which some programs read as octal.
 * @returns whether `[start, end)` is such an address.
 */
export function parseIPv4(bytes: Uint8Array, start: number, end: number, address: Address): boolean {
  let word = 0;
  let at = start;
  for (let octet = 0; octet < 4; octet++) {
    let stop = at;
    while (stop < end && bytes[stop] !== DOT) stop++;
    if (octet < 3 === (stop === end) || stop - at > 3) return false;
    if (stop - at > 1 && bytes[at] === ZERO) return false;
    const value = readDecimal(bytes, at, stop, 255);
    if (value < 0) return false;
    word = (word << 8) | value;
    at = stop + 1;
  }
  address.setIPv4(word >>> 0);
  return true;
}

/**
 * Parses an IPv6 address (RFC 4291 2.2), with `::` and a dotted quad at the end allowed, without brackets.
 * @returns whether `[start, end)` is such an address; `address` is IPv4 if it is v4-mapped.
 */
export function parseIPv6(bytes: Uint8Array, start: number, end: number, address: Address): boolean {
  let count = 0;
  let gap = -1;
  let at = start;
  if (end - start >= 2 && bytes[start] === COLON && bytes[start + 1] === COLON) {
    gap = 0;
    at += 2;
  } else if (start === end) {
    return false;
  }
  while (at < end) {
    if (count === 8) return false;
    const stop = groupEnd(bytes, at, end);
    if (stop < end && bytes[stop] === DOT) {
      if (count > 6 || !parseIPv4(bytes, at, end, address)) return false;
      groups[count++] = address.words[0] >>> 16;
      groups[count++] = address.words[0] & 0xffff;
      break;
    }
    if (stop === at || (stop < end && bytes[stop] !== COLON)) return false;
    groups[count++] = hexValue(bytes, at, stop);
    at = stop + 1;
    if (at === end) return false;
    if (at < end && bytes[at] === COLON) {
      if (gap >= 0) return false;
      gap = count;
      at++;
    }
  }
  if (gap < 0 ? count !== 8 : count === 8) return false;
  if (gap >= 0) spread(gap, count);
  address.setIPv6(word(0), word(2), word(4), word(6));
  return true;
}

/** Parses an address of either family, without brackets or port; see {@link parseIPv4} and {@link parseIPv6}. */
export function parseAddress(bytes: Uint8Array, start: number, end: number, address: Address): boolean {
  return parseIPv4(bytes, start, end, address) || parseIPv6(bytes, start, end, address);
}

/**
 * Parses an address with or without a port: `192.0.2.1`, `192.0.2.1:6881`, `2001:db8::1`, `[2001:db8::1]`,
 * `[2001:db8::1]:6881`.
 * @returns the port, 0 if there is none, or {@link NO_ENDPOINT}.
 */
export function parseEndpoint(bytes: Uint8Array, start: number, end: number, address: Address): number {
  if (start < end && bytes[start] === OPEN) {
    let close = start + 1;
    while (close < end && bytes[close] !== CLOSE) close++;
    if (close === end || !parseIPv6(bytes, start + 1, close, address)) return NO_ENDPOINT;
    return parsePort(bytes, close + 1, end);
  }
  let colon = start;
  while (colon < end && bytes[colon] !== COLON) colon++;
  if (parseIPv4(bytes, start, colon, address)) return parsePort(bytes, colon, end);
  return parseIPv6(bytes, start, end, address) ? 0 : NO_ENDPOINT;
}

/** Length of the longest text that {@link formatAddress} writes. */
export const ADDRESS_TEXT_BYTES = 39;

/**
 * Writes an address as text at `offset`: dotted quad, or canonical IPv6 (RFC 5952).
 * @returns the end of the text.
 */
export function formatAddress(bytes: Uint8Array, offset: number, address: Address): number {
  const { words } = address;
  if (address.family === 4) {
    let at = writeDecimal(bytes, offset, words[0] >>> 24);
    for (let shift = 16; shift >= 0; shift -= 8) {
      bytes[at] = DOT;
      at = writeDecimal(bytes, at + 1, (words[0] >>> shift) & 0xff);
    }
    return at;
  }
  for (let i = 0; i < 8; i++) groups[i] = words[i >> 1] >>> (i % 2 === 0 ? 16 : 0);
  const gap = longestZeros();
  let at = offset;
  for (let i = 0; i < 8; i++) {
    if (i === gap) {
      bytes[at++] = COLON;
      while (i < 7 && groups[i + 1] === 0) i++;
      if (i === 7) bytes[at++] = COLON;
      continue;
    }
    if (i > 0) bytes[at++] = COLON;
    at = writeHex(bytes, at, groups[i]);
  }
  return at;
}

/** Start of the first longest run of two or more zero groups, or 8. */
function longestZeros(): number {
  let longest = 8;
  let longestLength = 1;
  let length = 0;
  for (let i = 0; i < 8; i++) {
    length = groups[i] === 0 ? length + 1 : 0;
    if (length > longestLength) {
      longest = i + 1 - length;
      longestLength = length;
    }
  }
  return longest;
}

function writeHex(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  for (let shift = 12; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 0xf;
    if (value >>> shift > 0 || shift === 0) bytes[at++] = digit + (digit < 10 ? 0x30 : 0x57);
  }
  return at;
}

/** Parses the rest after an address: nothing (0), or a colon and a port; else {@link NO_ENDPOINT}. */
function parsePort(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  const port = bytes[start] === COLON ? readDecimal(bytes, start + 1, end, 0xffff) : 0;
  return port > 0 ? port : NO_ENDPOINT;
}

/** End of the at most four hexadecimal digits at `at`. */
function groupEnd(bytes: Uint8Array, at: number, end: number): number {
  const limit = Math.min(end, at + 4);
  let i = at;
  while (i < limit && hexDigit(bytes[i]) >= 0) i++;
  return i;
}

function hexValue(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) value = (value << 4) | hexDigit(bytes[i]);
  return value;
}

/** Expands `::` at index `gap` of {@link groups}, which has `count` groups. */
function spread(gap: number, count: number): void {
  const shift = 8 - count;
  for (let i = 7; i >= gap + shift; i--) groups[i] = groups[i - shift];
  for (let i = gap; i < gap + shift; i++) groups[i] = 0;
}

function word(index: number): number {
  return ((groups[index] << 16) | groups[index + 1]) >>> 0;
}
