/** IP prefixes (CIDR: RFC 4632 for IPv4, RFC 4291 2.3 for IPv6): representation, text, nesting. */
import { Address, type Family } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";

/** 128 bits in network order, as in {@link Address}: IPv4 is in the first word, the others are 0. */
export type Words = readonly [number, number, number, number];

/** All addresses of a family whose first `length` bits equal those of `words`. The other bits of `words` are 0. */
export interface Prefix {
  readonly family: Family;
  readonly words: Words;
  /** 0 to 32, or to 128 for IPv6. */
  readonly length: number;
}

/** Address length of each family in bits. */
export const FAMILY_BITS = { 4: 32, 6: 128 } as const;

/** Creates a prefix and clears its host bits. One inside `::ffff:0:0/96` becomes the IPv4 prefix that it maps. */
export function createPrefix(family: Family, words: Words, length: number): Prefix {
  if (family === 6 && length >= 96 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff) {
    return createPrefix(4, [words[3], 0, 0, 0], length - 96);
  }
  const cleared: Words = [
    (words[0] & networkMask(length, 0)) >>> 0,
    (words[1] & networkMask(length, 1)) >>> 0,
    (words[2] & networkMask(length, 2)) >>> 0,
    (words[3] & networkMask(length, 3)) >>> 0,
  ];
  return { family, words: cleared, length };
}

/** The result of {@link parsePrefix}. */
export interface ParsedPrefix {
  readonly prefix: Prefix;
  /** Whether bits after the prefix's length are set (`10.0.0.1/8`): probably a mistake, worth a warning. */
  readonly hostBitsSet: boolean;
}

/**
 * Parses `ADDRESS/LENGTH`, or an address, which is the prefix of that address alone. Addresses are as in {@link
 * parseAddress}; `::ffff:a.b.c.d/n` with n >= 96 is the IPv4 prefix `a.b.c.d/(n - 96)`.
 * @throws Error that describes the mistake.
 */
export function parsePrefix(text: string): ParsedPrefix {
  const slash = text.indexOf("/");
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const { family, words } = parseAddress(addressText);
  const [w0, w1, w2, w3] = words;
  const mapped = family === 4 && addressText.includes(":");
  const writtenFamily = mapped ? 6 : family;
  const written: Words = mapped ? [0, 0, 0xffff, w0] : [w0, w1, w2, w3];
  const bits = FAMILY_BITS[writtenFamily];
  const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(lengthText) || Number(lengthText) > bits) {
    throw new Error(`"${text}" is not a prefix: its length must be a number from 0 to ${bits}`);
  }
  const length = Number(lengthText);
  const hostBitsSet = written.some((word, i) => (word & ~networkMask(length, i)) !== 0);
  return { prefix: createPrefix(writtenFamily, written, length), hostBitsSet };
}

/** Formats a prefix as `ADDRESS/LENGTH`; the address as in {@link formatAddress}. */
export function formatPrefix(prefix: Prefix): string {
  const address = new Address();
  if (prefix.family === 4) address.setIPv4(prefix.words[0]);
  else address.setIPv6(...prefix.words);
  return `${formatAddress(address)}/${prefix.length}`;
}

/** Whether every address of `inner` is in `outer`; a prefix contains itself. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  for (let i = 0; i << 5 < outer.length; i++) {
    if (((outer.words[i] ^ inner.words[i]) & networkMask(outer.length, i)) !== 0) return false;
  }
  return true;
}

/** Orders prefixes by family, then first address, then length: each is followed by those inside it. */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  return (
    a.family - b.family ||
    a.words[0] - b.words[0] ||
    a.words[1] - b.words[1] ||
    a.words[2] - b.words[2] ||
    a.words[3] - b.words[3] ||
    a.length - b.length
  );
}

/** The 32 bits of the network mask of `length` bits in word `index`. */
function networkMask(length: number, index: number): number {
  const bits = length - index * 32;
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
