/**
 * What the prefix table costs: time to build, memory, nanoseconds per lookup. Times are processor time, so that other
 * work on the machine weighs less.
 * `node bench/prefix-table.ts [prefixes]` (default 100000).
 */
import { Address, type Family } from "../src/model/address.ts";
import { Random } from "../src/model/random.ts";
import { createPrefix, type Prefix } from "../src/network/prefix.ts";
import { buildPrefixTable, PrefixTable } from "../src/network/prefix-table.ts";

const PREFIXES = Number(process.argv[2] ?? 100_000);
/** A power of two; so many that a processor does not learn the sequence. */
const ADDRESSES = 1 << 16;
/** IPv4 prefixes start below this. */
const SPACE_4 = 0x7000_0000;
const LOOKUPS = 5_000_000;

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const random = new Random([1, 2, 3, 4]);

/** Like a routing table: mostly /24, the others up to /16. */
function randomPrefix4(): Prefix {
  const length = random.below(10) < 6 ? 24 : 16 + random.below(8);
  return createPrefix(4, [random.below(SPACE_4), 0, 0, 0], length);
}

/** Allocations under 2001::/16 and 2400::/12 to 2a00::/12, from /29 to /48. */
function randomPrefix6(): Prefix {
  const registries = [0x2001_0000, 0x2400_0000, 0x2600_0000, 0x2800_0000, 0x2a00_0000, 0x2c00_0000];
  const start = registries[random.below(registries.length)] + random.below(0x0010_0000);
  const length = random.below(10) < 5 ? 48 : 29 + random.below(19);
  return createPrefix(6, [start, random.next(), 0, 0], length);
}

/** One operator's customers: every prefix is a /56 of the same /32. */
function customerPrefix6(): Prefix {
  return createPrefix(6, [0x2a00_1234, random.next(), 0, 0], 56);
}

/** Four words per address: the prefix's network bits, and random bits. */
function addressesInside(prefixes: readonly Prefix[]): Uint32Array {
  const addresses = new Uint32Array(ADDRESSES * 4);
  for (let i = 0; i < addresses.length; i += 4) {
    const { words, length } = prefixes[random.below(prefixes.length)];
    for (let word = 0; word < 4; word++) {
      const hostBits = Math.min(Math.max((word + 1) * 32 - length, 0), 32);
      addresses[i + word] = words[word] + (hostBits === 0 ? 0 : random.next() >>> (32 - hostBits));
    }
  }
  return addresses;
}

/** Addresses of no prefix in the same networks, if a few attempts find some. */
function addressesBeside(table: PrefixTable, prefixes: readonly Prefix[]): Uint32Array {
  const addresses = new Uint32Array(ADDRESSES * 4);
  const address = new Address();
  for (let i = 0; i < addresses.length; i += 4) {
    for (let attempt = 0; attempt < 20; attempt++) {
      const { family, words } = prefixes[random.below(prefixes.length)];
      if (family === 4) address.setIPv4(random.below(SPACE_4));
      else address.setIPv6(words[0], random.next(), random.next(), random.next());
      if (table.lookup(address) === 0) break;
    }
    addresses.set(address.words, i);
  }
  return addresses;
}

function measureLookups(table: PrefixTable, family: Family, addresses: Uint32Array): string {
  const address = new Address();
  let matches = 0;
  const started = processorMs();
  for (let i = 0; i < LOOKUPS; i++) {
    const at = (i & (ADDRESSES - 1)) * 4;
    if (family === 4) address.setIPv4(addresses[at]);
    else address.setIPv6(addresses[at], addresses[at + 1], addresses[at + 2], addresses[at + 3]);
    if (table.lookup(address) !== 0) matches++;
  }
  const nanoseconds = ((processorMs() - started) * 1e6) / LOOKUPS;
  return `${nanoseconds.toFixed(0)} ns (${((matches / LOOKUPS) * 100).toFixed(0)} % match)`;
}

for (const [name, makePrefix] of [
  ["IPv4, as routed", randomPrefix4],
  ["IPv6, as routed", randomPrefix6],
  ["IPv6, /56s of one /32", customerPrefix6],
] as const) {
  const prefixes = Array.from({ length: PREFIXES }, makePrefix);
  const entries = prefixes.map((prefix, i) => ({ prefix, value: 1 + (i % 1000) }));
  const started = processorMs();
  const data = buildPrefixTable(entries);
  const buildMs = processorMs() - started;
  const bytes = [data.ipv4, data.ipv6].reduce(
    (total, { starts, values, index }) => total + starts.byteLength + values.byteLength + index.byteLength,
    0,
  );
  const table = new PrefixTable(data);
  const inside = addressesInside(prefixes);
  const { family } = prefixes[0];
  console.log(
    `${name.padEnd(22)} ${PREFIXES} prefixes: built in ${buildMs.toFixed(0)} ms, ${(bytes / 1e6).toFixed(1)} MB; ` +
      `inside ${measureLookups(table, family, inside)}, ` +
      `beside ${measureLookups(table, family, addressesBeside(table, prefixes))}`,
  );
}
