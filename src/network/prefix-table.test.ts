import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { caseCount } from "../../test/support/case-count.ts";
import { Address, type Family } from "../model/address.ts";
import { parseAddress } from "../model/address-text.ts";
import { Random } from "../model/random.ts";
import {
  containsPrefix,
  createPrefix,
  FAMILY_BITS,
  formatPrefix,
  type Prefix,
  parsePrefix,
} from "./prefix.ts";
import { buildPrefixTable, type PrefixEntry, PrefixTable } from "./prefix-table.ts";

function tableOf(...entries: [string, number][]): PrefixTable {
  return new PrefixTable(
    buildPrefixTable(entries.map(([text, value]) => ({ prefix: parsePrefix(text).prefix, value }))),
  );
}

function lookup(table: PrefixTable, text: string): number {
  return table.lookup(parseAddress(text));
}

/** The whole table read through for every lookup: the definition of longest-prefix match, by ipaddr.js. */
class NaiveTable {
  readonly #entries: { value: number; range: [ipaddr.IPv4 | ipaddr.IPv6, number] }[];

  constructor(entries: readonly PrefixEntry[]) {
    this.#entries = entries.map(({ prefix, value }) => ({
      value,
      range: ipaddr.parseCIDR(formatPrefix(prefix)),
    }));
  }

  lookup(address: ipaddr.IPv4 | ipaddr.IPv6): number {
    const matches = this.#entries.filter(
      ({ range }) => range[0].kind() === address.kind() && address.match(range[0], range[1]),
    );
    const longest = Math.max(...matches.map(({ range }) => range[1]));
    return matches.find(({ range }) => range[1] === longest)?.value ?? 0;
  }
}

/** A prefix's address as a number, as wide as its family. */
function firstAddress({ family, words }: Prefix): bigint {
  if (family === 4) return BigInt(words[0]);
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

function toAddress(family: Family, value: bigint): Address {
  const address = new Address();
  if (family === 4) address.setIPv4(Number(value));
  else {
    const word = (shift: bigint) => Number((value >> shift) & 0xffff_ffffn);
    address.setIPv6(word(96n), word(64n), word(32n), word(0n));
  }
  return address;
}

/** The prefix's first and last address, and the ones beside them. */
function edges(prefix: Prefix): Address[] {
  const bits = FAMILY_BITS[prefix.family];
  const first = firstAddress(prefix);
  const last = first + 2n ** BigInt(bits - prefix.length) - 1n;
  return [first - 1n, first, last, last + 1n]
    .filter((value) => value >= 0n && value < 2n ** BigInt(bits))
    .map((value) => toAddress(prefix.family, value));
}

function toOracle(address: Address): ipaddr.IPv4 | ipaddr.IPv6 {
  const bytes = new Uint8Array(16);
  address.writeBytes(bytes, 0);
  return ipaddr.fromByteArray(Array.from(address.family === 4 ? bytes.subarray(12) : bytes));
}

const word = fc.oneof(
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const words = fc.tuple(word, word, word, word);
const prefix = fc
  .tuple(fc.constantFrom(4 as const, 6 as const), words, fc.nat(128))
  .map(([family, [w0, w1, w2, w3], length]) =>
    family === 4 ? createPrefix(4, [w0, 0, 0, 0], length % 33) : createPrefix(6, [w0, w1, w2, w3], length),
  );
/** Prefixes around and inside a few addresses, so that many nest, adjoin or are the same, and some random ones. */
const entries = fc
  .tuple(fc.array(prefix, { maxLength: 12 }), fc.array(fc.tuple(fc.nat(11), fc.nat(128)), { maxLength: 20 }))
  .map(([seeds, variants]) => [
    ...seeds,
    ...variants
      .filter(([i]) => i < seeds.length)
      .map(([i, length]) => {
        const { family, words } = seeds[i];
        return createPrefix(family, words, length % (FAMILY_BITS[family] + 1));
      }),
  ])
  .map((prefixes) => prefixes.map((prefix, i) => ({ prefix, value: i % 5 })));

test("finds what a search through all prefixes finds, at every edge and elsewhere", () => {
  fc.assert(
    fc.property(entries, fc.array(words, { maxLength: 8 }), (entries, others) => {
      const table = new PrefixTable(buildPrefixTable(entries));
      const naive = new NaiveTable(entries);
      const addresses = entries.flatMap((entry) => edges(entry.prefix));
      for (const [w0, w1, w2, w3] of others) {
        const address4 = new Address();
        address4.setIPv4(w0);
        const address6 = new Address();
        address6.setIPv6(w0, w1, w2, w3);
        addresses.push(address4, address6);
      }
      for (const address of addresses) assert.equal(table.lookup(address), naive.lookup(toOracle(address)));
    }),
    { numRuns: caseCount(150, 400) },
  );
});

test("the longest prefix wins, and the shorter one goes on behind it", () => {
  const table = tableOf(["10.0.0.0/8", 1], ["10.1.0.0/16", 2], ["10.1.2.0/24", 3], ["10.1.2.3/32", 4]);
  assert.deepEqual(
    [
      "9.255.255.255",
      "10.0.0.0",
      "10.1.0.0",
      "10.1.2.0",
      "10.1.2.3",
      "10.1.2.4",
      "10.1.3.0",
      "10.2.0.0",
      "11.0.0.0",
    ].map((text) => lookup(table, text)),
    [0, 1, 2, 3, 4, 3, 2, 1, 0],
  );
});

test("the families are apart: 0.0.0.0/0 holds no IPv6 address, ::/0 no IPv4 address", () => {
  const ipv4 = tableOf(["0.0.0.0/0", 1]);
  assert.deepEqual([lookup(ipv4, "0.0.0.0"), lookup(ipv4, "255.255.255.255"), lookup(ipv4, "::")], [1, 1, 0]);
  assert.equal(lookup(ipv4, "::ffff:10.0.0.1"), 1, "a v4-mapped address is IPv4");
  const ipv6 = tableOf(["::/0", 1]);
  const last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  assert.deepEqual([lookup(ipv6, "::"), lookup(ipv6, last), lookup(ipv6, "10.0.0.1")], [1, 1, 0]);
});

test("single addresses, at both ends of a family too", () => {
  const last = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const table = tableOf(["0.0.0.0", 1], ["255.255.255.255", 2], ["::", 3], [last, 4], ["2001:db8::1", 5]);
  assert.deepEqual(
    ["0.0.0.0", "0.0.0.1", "255.255.255.254", "255.255.255.255"].map((text) => lookup(table, text)),
    [1, 0, 0, 2],
  );
  assert.deepEqual(
    ["::", "::1", "2001:db8::", "2001:db8::1", "2001:db8::2", "ffff::", last].map((text) =>
      lookup(table, text),
    ),
    [3, 0, 0, 5, 0, 0, 4],
  );
});

test("of the same prefix twice the first entry counts, also inside and around others", () => {
  const table = tableOf(["10.0.0.0/8", 7], ["10.0.0.0/9", 2], ["10.0.0.0/8", 1], ["10.0.0.0/9", 9]);
  assert.deepEqual([lookup(table, "10.0.0.0"), lookup(table, "10.128.0.0")], [2, 7]);
});

test("neighbours of the same value become one range", () => {
  const quarters = ["10.0.0.0/10", "10.64.0.0/10", "10.128.0.0/10", "10.192.0.0/10"];
  const data = buildPrefixTable(quarters.map((text) => ({ prefix: parsePrefix(text).prefix, value: 1 })));
  assert.deepEqual([...data.ipv4.values], [0, 1, 0]);
});

test("an empty table allocates next to nothing and finds nothing", () => {
  const data = buildPrefixTable([]);
  const table = new PrefixTable(data);
  assert.deepEqual([lookup(table, "10.0.0.1"), lookup(table, "2001:db8::1")], [0, 0]);
  for (const { starts, values, index } of [data.ipv4, data.ipv6]) {
    assert.ok(starts.byteLength + values.byteLength + index.byteLength < 32);
  }
});

test("another thread reads the same memory", () => {
  const data = buildPrefixTable([{ prefix: parsePrefix("10.0.0.0/8").prefix, value: 1 }]);
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(data);
  const received = receiveMessageOnPort(port2)!.message;
  port1.close();
  assert.equal(lookup(new PrefixTable(received), "10.0.0.1"), 1);
  data.ipv4.values[1] = 2;
  assert.equal(lookup(new PrefixTable(received), "10.0.0.1"), 2);
});

test("IPv6 prefixes that have any number of leading bits in common", () => {
  const random = new Random([5, 6, 7, 8]);
  const someWords = (): [number, number, number, number] => [
    random.next(),
    random.next(),
    random.next(),
    random.next(),
  ];
  for (let common = 0; common <= 128; common++) {
    const shared = createPrefix(6, someWords(), common);
    const inside = () => {
      const bits = createPrefix(6, someWords(), 128);
      const start = createPrefix(6, bits.words, common).words;
      const words = bits.words.map((word, i) => (word ^ start[i] ^ shared.words[i]) >>> 0);
      return createPrefix(6, words as [number, number, number, number], common + random.below(129 - common));
    };
    const entries = Array.from({ length: 20 }, (_, i) => ({ prefix: inside(), value: i + 1 }));
    const table = new PrefixTable(buildPrefixTable(entries));
    const naive = new NaiveTable(entries);
    for (const { prefix } of entries) {
      for (const address of edges(prefix))
        assert.equal(table.lookup(address), naive.lookup(toOracle(address)));
    }
  }
});

test("100,000 prefixes, nested and apart", () => {
  const random = new Random([1, 2, 3, 4]);
  const entries = Array.from({ length: 100_000 }, (_, i): PrefixEntry => {
    const first = random.next();
    const prefix =
      i % 2 === 0
        ? createPrefix(4, [first, 0, 0, 0], 10 + random.below(23))
        : createPrefix(
            6,
            [0x2a00_0000 + (first & 0xff), random.next(), random.next(), random.next()],
            24 + random.below(105),
          );
    return { prefix, value: 1 + random.below(65535) };
  });
  const table = new PrefixTable(buildPrefixTable(entries));
  let matches = 0;
  for (let i = 0; i < 100; i++) {
    const { family, words } = entries[random.below(entries.length)].prefix;
    const address = new Address();
    if (family === 4) address.setIPv4(words[0] + random.below(4));
    else address.setIPv6(words[0], words[1], words[2], words[3] + random.below(4));
    const host = createPrefix(
      family,
      [...address.words] as [number, number, number, number],
      FAMILY_BITS[family],
    );
    const around = entries.filter((entry) => containsPrefix(entry.prefix, host));
    const longest = Math.max(...around.map((entry) => entry.prefix.length));
    const expected = around.find((entry) => entry.prefix.length === longest)?.value ?? 0;
    assert.equal(table.lookup(address), expected);
    if (expected !== 0) matches++;
  }
  assert.ok(matches > 50);
});
