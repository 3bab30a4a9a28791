/**
 * Longest-prefix match for the data plane. Nested prefixes are flattened once into disjoint ranges in ascending order,
 * each with the value of the longest prefix that covers it. A lookup finds the last range that starts at or before the
 * address: an index by 16 bits of the address narrows it down to a few, and a binary search finds it.
 */
import type { Address } from "../model/address.ts";
import { containsPrefix, type Prefix, type Words } from "./prefix.ts";

/** A prefix and the value of its addresses in {@link PrefixTable.lookup}: 1 to 65535, or 0 for "no match". */
export interface PrefixEntry {
  readonly prefix: Prefix;
  readonly value: number;
}

/** A built table: immutable shared memory, which any thread may read. */
export interface PrefixTableData {
  readonly ipv4: RangeTableData;
  readonly ipv6: RangeTableData;
}

/** The ranges of one family. The first starts at 0; each ends where the next one starts. */
export interface RangeTableData {
  /** First address of each range: a word for IPv4, four for IPv6. */
  readonly starts: Uint32Array<SharedArrayBuffer>;
  readonly values: Uint16Array<SharedArrayBuffer>;
  /** For each value of the 16 bits after `skip`, the last range that starts below it; finally the last range. */
  readonly index: Uint32Array<SharedArrayBuffer>;
  /** Number of leading bits that all starts except the first have in common; the index skips them. IPv4: 0. */
  readonly skip: number;
}

/** Builds a table. Of entries with the same prefix the first counts. */
export function buildPrefixTable(entries: readonly PrefixEntry[]): PrefixTableData {
  const ranges4 = flatten(sort(entries.filter((entry) => entry.prefix.family === 4)));
  const ranges6 = flatten(sort(entries.filter((entry) => entry.prefix.family === 6)));
  const starts4 = new Uint32Array(ranges4.values.length);
  for (let i = 0; i < starts4.length; i++) starts4[i] = ranges4.starts[i * 4];
  return {
    ipv4: share(starts4, ranges4.values, 0),
    ipv6: share(ranges6.starts, ranges6.values, commonBits(ranges6.starts)),
  };
}

/** Builds the table of a set: addresses in one of the prefixes have the value 1. */
export function buildPrefixSet(prefixes: readonly Prefix[]): PrefixTableData {
  return buildPrefixTable(prefixes.map((prefix) => ({ prefix, value: 1 })));
}

/** Looks addresses up in a built table. */
export class PrefixTable {
  readonly #ipv4: RangeTableData;
  readonly #ipv6: RangeTableData;

  constructor(data: PrefixTableData) {
    this.#ipv4 = data.ipv4;
    this.#ipv6 = data.ipv6;
  }

  /** The value of the longest prefix that contains `address`, or 0. */
  lookup(address: Address): number {
    return address.family === 4 ? lookup4(this.#ipv4, address.words[0]) : lookup6(this.#ipv6, address.words);
  }
}

function lookup4({ starts, values, index }: RangeTableData, word: number): number {
  if (values.length === 1) return values[0];
  let low = index[word >>> 16];
  let high = index[(word >>> 16) + 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (starts[middle] <= word) low = middle;
    else high = middle - 1;
  }
  return values[low];
}

function lookup6({ starts, values, index, skip }: RangeTableData, words: Uint32Array): number {
  const last = values.length - 1;
  if (last === 0 || !startsAtOrBefore(starts, 4, words)) return values[0];
  if (startsAtOrBefore(starts, last * 4, words)) return values[last];
  const window = windowAt(words, 0, skip);
  let low = index[window];
  let high = index[window + 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (startsAtOrBefore(starts, middle * 4, words)) low = middle;
    else high = middle - 1;
  }
  return values[low];
}

function startsAtOrBefore(starts: Uint32Array, at: number, words: Uint32Array): boolean {
  if (starts[at] !== words[0]) return starts[at] < words[0];
  if (starts[at + 1] !== words[1]) return starts[at + 1] < words[1];
  if (starts[at + 2] !== words[2]) return starts[at + 2] < words[2];
  return starts[at + 3] <= words[3];
}

/** The 16 bits after the first `skip` (at most 112) of the address at `words[at]`. */
function windowAt(words: Uint32Array, at: number, skip: number): number {
  const word = at + (skip >> 5);
  const bit = skip & 31;
  if (bit <= 16) return (words[word] >>> (16 - bit)) & 0xffff;
  return ((words[word] << (bit - 16)) | (words[word + 1] >>> (48 - bit))) & 0xffff;
}

/**
 * Sorts by first address, then length, so that each prefix is followed by those inside it. The order of equal ones is
 * kept. It is a radix sort by 16 bits at a time, least significant first; a comparison sort takes two to four times as
 * long.
 */
function sort(entries: readonly PrefixEntry[]): readonly PrefixEntry[] {
  if (entries.length < 2) return entries;
  const digits = new Uint16Array(entries.length);
  const ends = new Uint32Array(0x10000);
  let order = Uint32Array.from(entries.keys());
  let sorted = new Uint32Array(entries.length);
  for (let pass = 0; pass < 9; pass++) {
    ends.fill(0);
    for (let i = 0; i < entries.length; i++) {
      digits[i] = digitOf(entries[i].prefix, pass);
      ends[digits[i]]++;
    }
    if (ends[digits[0]] === entries.length) continue;
    for (let digit = 1; digit < ends.length; digit++) ends[digit] += ends[digit - 1];
    for (let i = order.length - 1; i >= 0; i--) sorted[--ends[digits[order[i]]]] = order[i];
    [order, sorted] = [sorted, order];
  }
  return Array.from(order, (i) => entries[i]);
}

function digitOf({ words, length }: Prefix, pass: number): number {
  if (pass === 0) return length;
  return words[(8 - pass) >> 1] >>> (pass & 1 ? 0 : 16);
}

interface Ranges {
  readonly starts: Uint32Array;
  readonly values: Uint16Array;
}

/**
 * Turns the sorted prefixes of one family into ranges. `open` has the prefixes that contain the current one, outermost
 * first. Where one of them ends, the value of the enclosing one resumes.
 */
function flatten(sorted: readonly PrefixEntry[]): Ranges {
  const ranges = new RangeWriter(sorted.length * 2 + 1);
  const open: PrefixEntry[] = [];
  const closeLast = () => {
    const { words, length } = open.pop()!.prefix;
    const value = open.length > 0 ? open[open.length - 1].value : 0;
    ranges.beginAfter(words, length, value);
  };
  for (const entry of sorted) {
    while (open.length > 0 && !containsPrefix(open[open.length - 1].prefix, entry.prefix)) closeLast();
    if (open.at(-1)?.prefix.length === entry.prefix.length) continue; // a duplicate
    ranges.begin(entry.prefix.words, entry.value);
    open.push(entry);
  }
  while (open.length > 0) closeLast();
  return ranges.finish();
}

/** Collects ranges in ascending order, and merges adjacent ones with the same value. */
class RangeWriter {
  readonly #starts: Uint32Array;
  readonly #values: Uint16Array;
  #count = 1; // the range of the family's first address, without a value

  constructor(capacity: number) {
    this.#starts = new Uint32Array(capacity * 4);
    this.#values = new Uint16Array(capacity);
  }

  /** Starts a range. A second call for the same start replaces the first. */
  begin(start: Words, value: number): void {
    const starts = this.#starts;
    const last = (this.#count - 1) * 4;
    let same = 0;
    while (same < 4 && starts[last + same] === start[same]) same++;
    if (same === 4) this.#count--;
    if (this.#count > 0 && this.#values[this.#count - 1] === value) return;
    for (let i = 0; i < 4; i++) starts[this.#count * 4 + i] = start[i];
    this.#values[this.#count] = value;
    this.#count++;
  }

  /** Starts a range behind a prefix, unless the prefix ends at the family's last address. */
  beginAfter(words: Words, length: number, value: number): void {
    const start: [number, number, number, number] = [words[0], words[1], words[2], words[3]];
    let carry = 2 ** (-length & 31);
    for (let i = (length - 1) >> 5; i >= 0; i--) {
      const sum = start[i] + carry;
      start[i] = sum >>> 0;
      if (sum < 2 ** 32) {
        this.begin(start, value);
        return;
      }
      carry = 1;
    }
  }

  finish(): Ranges {
    return {
      starts: this.#starts.subarray(0, this.#count * 4),
      values: this.#values.subarray(0, this.#count),
    };
  }
}

/** Leading bits that the second start and the last one, and so all between them, have in common; at most 112. */
function commonBits(starts: Uint32Array): number {
  let bits = 0;
  for (let word = 0; word < 4 && bits === word * 32; word++) {
    bits += Math.clz32(starts[4 + word] ^ starts[starts.length - 4 + word]);
  }
  return Math.min(bits, 112);
}

function share(starts: Uint32Array, values: Uint16Array, skip: number): RangeTableData {
  const shared = {
    starts: new Uint32Array(new SharedArrayBuffer(starts.byteLength)),
    values: new Uint16Array(new SharedArrayBuffer(values.byteLength)),
    index: new Uint32Array(new SharedArrayBuffer(values.length === 1 ? 0 : 0x10001 * 4)),
    skip,
  };
  shared.starts.set(starts);
  shared.values.set(values);
  const { index } = shared;
  const stride = starts.length / values.length;
  for (let range = 1; range < values.length; range++) index[windowAt(starts, range * stride, skip) + 1]++;
  for (let window = 1; window < index.length; window++) index[window] += index[window - 1];
  return shared;
}
