/** IP addresses as text. For the control plane: the data plane creates no text. */
import { Address } from "./address.ts";

/**
 * Parses an IPv4 address of four decimal numbers, or an IPv6 address in any form of RFC 4291 2.2. Strict: no leading
 * zeros in IPv4 (some programs read them as octal), no zone, brackets, port or white space. A v4-mapped address becomes
 * the IPv4 address, as in {@link Address}.
 * @throws Error that describes the mistake.
 */
export function parseAddress(text: string): Address {
  const address = new Address();
  if (text.includes(":")) {
    const groups = parseIPv6(text);
    address.setIPv6(
      joinGroups(groups[0], groups[1]),
      joinGroups(groups[2], groups[3]),
      joinGroups(groups[4], groups[5]),
      joinGroups(groups[6], groups[7]),
    );
  } else {
    const octets = parseIPv4(text, text);
    address.setIPv4(joinGroups((octets[0] << 8) | octets[1], (octets[2] << 8) | octets[3]));
  }
  return address;
}

/** Formats an address: dotted quad, or the canonical text of RFC 5952 section 4 (never mixed notation). */
export function formatAddress(address: Address): string {
  const { words } = address;
  if (address.family === 4) {
    return `${words[0] >>> 24}.${(words[0] >>> 16) & 0xff}.${(words[0] >>> 8) & 0xff}.${words[0] & 0xff}`;
  }
  const groups: number[] = [];
  for (const word of words) groups.push(word >>> 16, word & 0xffff);
  const gap = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (gap.length < 2) return hex.join(":");
  return `${hex.slice(0, gap.start).join(":")}::${hex.slice(gap.start + gap.length).join(":")}`;
}

/** Formats host and port as in a URL: an IPv6 address in brackets (RFC 3986 3.2.2). */
export function formatHostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseIPv4(text: string, whole: string): number[] {
  const parts = text.split(".");
  if (parts.length !== 4) fail(whole, "four numbers separated by dots are expected");
  return parts.map((part) => {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) {
      fail(whole, `"${part}" is not a number from 0 to 255 without leading zeros`);
    }
    return Number(part);
  });
}

/** @returns eight groups of 16 bits. */
function parseIPv6(text: string): number[] {
  const [head, tail, more] = text.split("::");
  if (more !== undefined) fail(text, '"::" may occur only once');
  const before = parseGroups(head, tail === undefined, text);
  if (tail === undefined) {
    if (before.length !== 8) fail(text, 'eight groups, or "::" in place of some, are expected');
    return before;
  }
  const after = parseGroups(tail, true, text);
  const gap = 8 - before.length - after.length;
  if (gap < 1) fail(text, '"::" replaces no group');
  return [...before, ...new Array<number>(gap).fill(0), ...after];
}

function parseGroups(text: string, mayEndInIPv4: boolean, whole: string): number[] {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (mayEndInIPv4 && i === parts.length - 1 && part.includes(".")) {
      const octets = parseIPv4(part, whole);
      groups.push((octets[0] << 8) | octets[1], (octets[2] << 8) | octets[3]);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      fail(whole, `"${part}" is not a group of one to four hexadecimal digits`);
    }
  }
  return groups;
}

function joinGroups(high: number, low: number): number {
  return ((high << 16) | low) >>> 0;
}

/** The first of the longest runs of zeros (RFC 5952 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > longest.length) longest = { start, length };
  }
  return longest;
}

function fail(text: string, why: string): never {
  throw new Error(`"${text}" is not an IP address: ${why}`);
}
