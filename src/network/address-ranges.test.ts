import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../model/address-text.ts";
import { type AddressRange, findRanges, formatRange, parseRange } from "./address-ranges.ts";
import { parsePrefix } from "./prefix.ts";
import { buildPrefixTable, PrefixTable } from "./prefix-table.ts";

/** Prefixes that often nest, touch and end at the last address. */
const cidr4 = fc
  .tuple(
    fc.constantFrom(0, 10, 11, 255),
    fc.constantFrom(0, 1, 127, 128, 255),
    fc.integer({ min: 0, max: 32 }),
  )
  .map(([a, b, length]) => `${a}.${b}.${b}.${a}/${length}`);
const cidr6 = fc
  .tuple(
    fc.constantFrom("2001:db8:", "::", "ffff:ffff:", "::ffff:", "::fffe:"),
    fc.constantFrom("0:0", "1:ffff", "ffff:ffff"),
    fc.integer({ min: 0, max: 128 }),
  )
  .map(
    ([start, end, length]) =>
      `${start === "::" ? start : start.replace(/:$/, start.startsWith(":") ? ":" : "::")}${end}/${length}`,
  );
const entries = fc.array(
  fc.record({
    prefix: fc.oneof(cidr4, cidr6).map((text) => parsePrefix(text).prefix),
    value: fc.integer({ min: 1, max: 3 }),
  }),
  { maxLength: 12 },
);

function toNumber(text: string): bigint {
  const { family, words } = parseAddress(text);
  const used = family === 4 ? [words[0]] : [...words];
  return used.reduce((joined, word) => (joined << 32n) | BigInt(word), 0n);
}

test("an address is in a range just if its longest prefix has a wanted value", () => {
  const addresses = fc.array(
    fc.oneof(cidr4, cidr6).map((cidr) => cidr.replace(/\/.*/, "")),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(entries, addresses, fc.integer({ min: 0, max: 3 }), (list, texts, value) => {
      const data = buildPrefixTable(list);
      const table = new PrefixTable(data);
      const ranges = {
        4: findRanges(data, 4, (found) => found === value),
        6: findRanges(data, 6, (found) => found === value),
      };
      for (const text of texts) {
        const address = parseAddress(text);
        const number = toNumber(text);
        const inRange = ranges[address.family].some(({ first, last }) => first <= number && number <= last);
        assert.equal(inRange, table.lookup(address) === value, text);
      }
      for (const { 0: before, 1: after } of [...pairs(ranges[4]), ...pairs(ranges[6])]) {
        assert.ok(before.last + 1n < after.first, "ranges touch");
      }
    }),
  );
});

test("ranges are written as prefixes where they are", () => {
  const written = (...cidrs: string[]) => {
    const data = buildPrefixTable(cidrs.map((text) => ({ prefix: parsePrefix(text).prefix, value: 1 })));
    return ([4, 6] as const)
      .flatMap((family) => findRanges(data, family, (value) => value === 1))
      .map(formatRange);
  };
  assert.deepEqual(written("10.0.0.0/8", "10.1.0.0/16", "192.0.2.7"), ["10.0.0.0/8", "192.0.2.7/32"]);
  assert.deepEqual(written("10.0.0.0/9", "10.128.0.0/9"), ["10.0.0.0/8"]);
  assert.deepEqual(written("10.0.0.0/32", "10.0.0.1", "10.0.0.2"), ["10.0.0.0-10.0.0.2"]);
  assert.deepEqual(written("0.0.0.0/0", "::/0"), ["0.0.0.0/0", "::/0"]);
  assert.deepEqual(written("255.255.255.255", "ffff::/16"), ["255.255.255.255/32", "ffff::/16"]);
  assert.deepEqual(written("::fffe:0:0/95", "::1/128"), ["::1/128", "::fffe:0:0/95"]);
  assert.deepEqual(written("::fffe:0:0/96", "::ffff:0:0/95"), ["::fffe:0:0/95"]);
  assert.deepEqual(written("::fffd:0:0/96", "::fffe:0:0/95"), ["::fffd:0:0-::ffff:255.255.255.255"]);
});

function pairs(ranges: readonly AddressRange[]): [AddressRange, AddressRange][] {
  return ranges.slice(1).map((after, i) => [ranges[i], after]);
}

test("a range that was written is read", () => {
  fc.assert(
    fc.property(entries, (all) => {
      const table = buildPrefixTable(all);
      for (const family of [4, 6] as const) {
        for (const range of findRanges(table, family, (value) => value > 0))
          assert.deepEqual(parseRange(formatRange(range)), range);
      }
    }),
  );
});

test("what is no range is refused", () => {
  const bad = [
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.1/8",
    "10.0.0.0/08",
    "10.0.0.2-10.0.0.1",
    "10.0.0.0-::1",
  ];
  for (const text of [...bad, "10.0.0.0/8/8", "::/129", "::1/64", "10.0.0.0 - 10.0.0.9"])
    assert.throws(() => parseRange(text), /is not/, text);
});
