import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  comparePrefixes,
  containsPrefix,
  createPrefix,
  FAMILY_BITS,
  formatPrefix,
  type Prefix,
  parsePrefix,
} from "./prefix.ts";

/** Without ::a.b.c.d, which ipaddr.js takes for ::ffff:a.b.c.d. */
const ipv6Text = fc.ipV6().filter((text) => !/^::\d+\./.test(text));
const anyCidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, length]) => `${address}/${length}`),
  fc.tuple(ipv6Text, fc.nat(128)).map(([address, length]) => `${address}/${length}`),
);

test("parses to ipaddr.js's network address, and tells of host bits", () => {
  fc.assert(
    fc.property(anyCidr, (text) => {
      const [address, length] = ipaddr.parseCIDR(text);
      const Kind = address.kind() === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
      const network = Kind.networkAddressFromCIDR(text);
      const { prefix, hostBitsSet } = parsePrefix(text);
      assert.equal(hostBitsSet, network.toNormalizedString() !== address.toNormalizedString());
      const expected = network instanceof ipaddr.IPv6 ? network.toRFC5952String() : network.toString();
      assert.equal(formatPrefix(prefix), `${expected}/${length}`);
    }),
  );
});

test("formatting and parsing again gives the same prefix", () => {
  fc.assert(
    fc.property(anyCidr, (text) => {
      const { prefix } = parsePrefix(text);
      assert.deepEqual(parsePrefix(formatPrefix(prefix)), { prefix, hostBitsSet: false });
    }),
  );
});

test("reads these", () => {
  const read: [string, string, boolean][] = [
    ["192.0.2.1", "192.0.2.1/32", false],
    ["2001:db8::1", "2001:db8::1/128", false],
    ["0.0.0.0/0", "0.0.0.0/0", false],
    ["1.2.3.4/0", "0.0.0.0/0", true],
    ["::/0", "::/0", false],
    ["10.0.0.1/8", "10.0.0.0/8", true],
    ["2001:db8::1/32", "2001:db8::/32", true],
    ["::ffff:10.1.2.3", "10.1.2.3/32", false],
    ["::ffff:10.1.2.3/128", "10.1.2.3/32", false],
    ["::ffff:10.1.0.0/112", "10.1.0.0/16", false],
    ["::ffff:10.1.0.1/112", "10.1.0.0/16", true],
    ["::ffff:0:0/96", "0.0.0.0/0", false],
    ["::ffff:0:0/95", "::fffe:0:0/95", true],
    ["::ffff:0:0/80", "::/80", true],
  ];
  for (const [text, expected, hostBitsSet] of read) {
    const parsed = parsePrefix(text);
    assert.deepEqual([formatPrefix(parsed.prefix), parsed.hostBitsSet], [expected, hostBitsSet], text);
  }
});

test("refuses with the reason", () => {
  const refused: [string, string][] = [
    ["10.0.0.0/33", '"10.0.0.0/33" is not a prefix: its length must be a number from 0 to 32'],
    ["10.0.0.0/", '"10.0.0.0/" is not a prefix: its length must be a number from 0 to 32'],
    ["10.0.0.0/08", '"10.0.0.0/08" is not a prefix: its length must be a number from 0 to 32'],
    ["10.0.0.0/+8", '"10.0.0.0/+8" is not a prefix: its length must be a number from 0 to 32'],
    ["10.0.0.0/8/8", '"10.0.0.0/8/8" is not a prefix: its length must be a number from 0 to 32'],
    ["10.0.0.0/255.0.0.0", '"10.0.0.0/255.0.0.0" is not a prefix: its length must be a number from 0 to 32'],
    ["::/129", '"::/129" is not a prefix: its length must be a number from 0 to 128'],
    [
      "::ffff:10.0.0.0/129",
      '"::ffff:10.0.0.0/129" is not a prefix: its length must be a number from 0 to 128',
    ],
    ["10.0.0/8", '"10.0.0" is not an IP address: four numbers separated by dots are expected'],
    ["/8", '"" is not an IP address: four numbers separated by dots are expected'],
  ];
  for (const [text, message] of refused) assert.throws(() => parsePrefix(text), { message });
});

/** Few different addresses, so that prefixes often nest or are the same. */
const nestingPrefix: fc.Arbitrary<Prefix> = fc
  .tuple(
    fc.constantFrom(4 as const, 6 as const),
    fc.array(fc.constantFrom(0, 1, 0x8000_0000, 0xffff_ffff), { minLength: 4, maxLength: 4 }),
    fc.nat(128),
  )
  .map(([family, w, length]) =>
    family === 4
      ? createPrefix(4, [w[0], 0, 0, 0], length % 33)
      : createPrefix(6, [w[0], w[1], w[2], w[3]], length),
  );

test("a prefix contains what ipaddr.js matches in it", () => {
  fc.assert(
    fc.property(nestingPrefix, nestingPrefix, (outer, inner) => {
      const [outerAddress, outerLength] = ipaddr.parseCIDR(formatPrefix(outer));
      const [innerAddress, innerLength] = ipaddr.parseCIDR(formatPrefix(inner));
      const expected =
        outer.family === inner.family &&
        outerLength <= innerLength &&
        innerAddress.match(outerAddress, outerLength);
      assert.equal(containsPrefix(outer, inner), expected);
    }),
    { numRuns: 1000 },
  );
});

test("the order is by family, words and length", () => {
  const key = ({ family, words, length }: Prefix) =>
    [family, ...words, length].map((number) => String(number).padStart(10, "0")).join();
  fc.assert(
    fc.property(nestingPrefix, nestingPrefix, (a, b) => {
      assert.equal(Math.sign(comparePrefixes(a, b)), key(a) < key(b) ? -1 : Number(key(a) > key(b)));
      const last = createPrefix(6, [a.words[0], a.words[1], a.words[2], a.words[3] ^ 1], 128);
      assert.equal(comparePrefixes(createPrefix(6, a.words, 128), last) < 0, a.words[3] < last.words[3]);
    }),
  );
});

test("prefixes in order stand right before those inside them", () => {
  fc.assert(
    fc.property(fc.array(nestingPrefix, { maxLength: 30 }), (prefixes) => {
      const sorted = prefixes.toSorted(comparePrefixes);
      for (const [i, prefix] of sorted.entries()) {
        const inside = sorted.slice(i).map((other) => containsPrefix(prefix, other));
        assert.ok(
          inside.lastIndexOf(true) < inside.indexOf(false) >>> 0,
          "those inside follow without a gap",
        );
        for (const before of sorted.slice(0, i)) {
          if (containsPrefix(prefix, before))
            assert.deepEqual(before, prefix, "only the same one may stand before");
        }
      }
    }),
  );
});

test("createPrefix clears every bit after the length", () => {
  for (const family of [4, 6] as const) {
    for (let length = 0; length <= FAMILY_BITS[family]; length++) {
      const all = 0xffff_ffff;
      const { words } = createPrefix(family, family === 4 ? [all, 0, 0, 0] : [all, all, all, all], length);
      const bits = words.map((word) => word.toString(2).padStart(32, "0")).join("");
      assert.equal(bits, "1".repeat(length).padEnd(128, "0"));
    }
  }
});
