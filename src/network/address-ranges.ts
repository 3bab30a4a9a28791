/** Converts peer groups to disjoint address ranges, as packet filters need them. */
import { Address, type Family } from "../model/address.ts";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import type { PrefixTableData } from "./prefix-table.ts";

const BITS = { 4: 32n, 6: 128n } as const;

/** The addresses from `first` to `last`, both included, as numbers of 32 or 128 bits. */
export interface AddressRange {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * Finds all addresses of a family whose longest prefix has a wanted value.
 * @returns ranges in ascending order, with gaps between them.
 */
export function findRanges(
  table: PrefixTableData,
  family: Family,
  wanted: (value: number) => boolean,
): AddressRange[] {
  const { starts, values } = family === 4 ? table.ipv4 : table.ipv6;
  const words = Number(BITS[family]) / 32;
  const startOf = (i: number) =>
    i === values.length ? 1n << BITS[family] : joinWords(starts.subarray(i * words, (i + 1) * words));
  const ranges: AddressRange[] = [];
  for (let i = 0; i < values.length; i++) {
    if (!wanted(values[i])) continue;
    const first = startOf(i);
    while (i + 1 < values.length && wanted(values[i + 1])) i++;
    ranges.push({ family, first, last: startOf(i + 1) - 1n });
  }
  return ranges;
}

/** Formats a range as `ADDRESS/LENGTH` where it is a prefix, else as `ADDRESS-ADDRESS`. */
export function formatRange({ family, first, last }: AddressRange): string {
  const size = last - first + 1n;
  const isPrefix = (size & (size - 1n)) === 0n && first % size === 0n;
  if (!isPrefix) return `${format(family, first)}-${format(family, last)}`;
  return `${format(family, first)}/${BITS[family] - BigInt(size.toString(2).length - 1)}`;
}

/**
 * Parses what {@link formatRange} writes. A v4-mapped address is an IPv6 address here.
 * @throws Error that describes the mistake.
 */
export function parseRange(text: string): AddressRange {
  const [, start, sign, end] =
    /^([^/-]+)([/-])([^/-]+)$/.exec(text) ?? fail(text, "ADDRESS/LENGTH or ADDRESS-ADDRESS");
  const { family, value: first } = parseValue(start);
  if (sign === "-") {
    const { family: lastFamily, value: last } = parseValue(end);
    if (lastFamily !== family || last < first) fail(text, "the last address follows the first");
    return { family, first, last };
  }
  const bits = BITS[family];
  if (!/^(0|[1-9]\d{0,2})$/.test(end) || BigInt(end) > bits) fail(text, `a length from 0 to ${bits}`);
  const last = first + (1n << (bits - BigInt(end))) - 1n;
  if ((first & (last - first)) !== 0n) fail(text, "no bits after the prefix");
  return { family, first, last };
}

function fail(text: string, expected: string): never {
  throw new Error(`"${text}" is not a range of addresses: expected ${expected}`);
}

function parseValue(text: string): { family: Family; value: bigint } {
  const { family, words } = parseAddress(text);
  if (family === 6) return { family, value: joinWords(words) };
  const value = BigInt(words[0]);
  return text.includes(":") ? { family: 6, value: (0xffffn << 32n) | value } : { family, value };
}

function joinWords(words: Uint32Array): bigint {
  return words.reduce((joined, word) => (joined << 32n) | BigInt(word), 0n);
}

/** Formats an address. An IPv6 range may end inside `::ffff:0:0/96`, which {@link Address} converts to IPv4. */
function format(family: Family, value: bigint): string {
  const address = new Address();
  const word = (shift: bigint) => Number((value >> shift) & 0xffffffffn);
  if (family === 4) address.setIPv4(word(0n));
  else address.setIPv6(word(96n), word(64n), word(32n), word(0n));
  const text = formatAddress(address);
  return address.family === family ? text : `::ffff:${text}`;
}
