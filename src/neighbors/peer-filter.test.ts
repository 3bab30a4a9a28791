import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, parseAddress } from "../model/address-text.ts";
import { groupsOf } from "../tracker/tracker-fixture.ts";
import { FilterCounts, PeerFilter } from "./peer-filter.ts";

const GROUPS = groupsOf([
  { name: "home", priority: 0, prefixes: ["11.0.0.0/8", "10.1.0.0/16"] },
  {
    name: "partner",
    priority: 1,
    prefixes: ["13.0.0.0/8", "10.2.0.0/16", "fd00:2::/32"],
    reachableFrom: ["home"],
  },
]);
const [HOME, PARTNER] = [1, 2];
const TRACKERS = ["11.0.0.9", "13.0.0.9"];

function compact(addresses: readonly string[]): Uint8Array {
  return Uint8Array.from(
    addresses.flatMap((text) => {
      const { family, words } = parseAddress(text);
      const bytes = [...words.subarray(0, family === 4 ? 1 : 4)].flatMap((word) =>
        [24, 16, 8, 0].map((s) => (word >>> s) & 255),
      );
      return [...bytes, 0x1a, 0xe1];
    }),
  );
}

function filter(addresses: readonly string[], reachableFrom: readonly number[], limit = 100) {
  const counts = new FilterCounts();
  const isTracker = (address: Parameters<typeof formatAddress>[0]) =>
    TRACKERS.includes(formatAddress(address));
  const rules = { isTracker, groups: GROUPS, reachableFrom: new Set(reachableFrom), limit };
  const family = addresses[0].includes(":") ? 6 : 4;
  const taken = new PeerFilter(rules, counts).filter(compact(addresses), family);
  const names = addresses.filter((text) => Buffer.from(taken).includes(Buffer.from(compact([text]))));
  assert.equal(taken.length, compact(names).length);
  return { names, counts: { ...counts } };
}

test("trackers' own addresses are left out, ours and others'", () => {
  const { names, counts } = filter(["13.0.0.1", "11.0.0.9", "13.0.0.9", "99.0.0.1"], []);
  assert.deepEqual(names, ["13.0.0.1", "99.0.0.1"]);
  assert.equal(counts.own, 2);
});

test("private addresses are taken only if all who would be given them reach them", () => {
  const all = ["10.1.0.1", "10.2.0.1", "192.168.0.1", "127.0.0.1", "13.0.0.1"];
  assert.deepEqual(filter(all, []).names, ["13.0.0.1"]);
  assert.deepEqual(filter(all, [HOME]).names, ["10.1.0.1", "13.0.0.1"]);
  assert.deepEqual(filter(all, [PARTNER]).names, ["13.0.0.1"], "home would be given them too");
  assert.deepEqual(filter(all, [HOME, PARTNER]).names, ["10.1.0.1", "10.2.0.1", "13.0.0.1"]);
  assert.deepEqual(filter(["fd00:2::1", "2001:db8::1"], [HOME, PARTNER]).names, ["fd00:2::1", "2001:db8::1"]);
  assert.equal(filter(all, []).counts.private, 4);
});

test("more than are wanted are left out", () => {
  const { names, counts } = filter(["13.0.0.1", "13.0.0.2", "13.0.0.3"], [], 2);
  assert.deepEqual([names, counts.beyond], [["13.0.0.1", "13.0.0.2"], 1]);
});
