import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../model/address-text.ts";
import {
  buildPeerGroups,
  findOverlaps,
  GROUP_IDS,
  GROUPS_MAX,
  NO_GROUP,
  type PeerGroupDefinition,
  PeerGroups,
  type PeerGroupsData,
} from "./peer-groups.ts";
import { containsPrefix, createPrefix, type Prefix, parsePrefix } from "./prefix.ts";

function define(
  name: string,
  priority: number,
  prefixes: string[],
  reachableFrom: string[] = [],
): PeerGroupDefinition {
  return { name, priority, prefixes: prefixes.map((text) => parsePrefix(text).prefix), reachableFrom };
}

function idOf(data: PeerGroupsData, name: string): number {
  return data.groups.find((group) => group.name === name)!.id;
}

const network = [
  define("partner", 10, ["192.0.2.0/24", "10.0.0.0/8"]),
  define("north", 0, ["10.1.0.0/16", "10.3.0.0/16"], ["south"]),
  define("south", 0, ["10.2.0.0/16", "10.3.0.0/16", "2001:db8::/32"]),
];

test("an address is in the group of its longest prefix; the nearest group, then the first, has a shared one", () => {
  const data = buildPeerGroups([define("upper", 99, ["192.0.2.0/24"]), ...network]);
  const groups = new PeerGroups(data);
  for (const [text, name] of [
    ["10.1.0.1", "north"],
    ["10.2.0.1", "south"],
    ["10.3.0.1", "north"],
    ["10.4.0.1", "partner"],
    ["192.0.2.1", "partner"],
    ["2001:db8::1", "south"],
  ]) {
    assert.equal(groups.groupOf(parseAddress(text)), idOf(data, name), text);
  }
  assert.equal(groups.groupOf(parseAddress("198.51.100.1")), NO_GROUP);
});

test("tiers are dense ranks of the priorities, and every id without a group is in the farthest", () => {
  const data = buildPeerGroups([...network, define("far", 1000, []), define("nearest", -5, [])]);
  const groups = new PeerGroups(data);
  assert.deepEqual(
    data.groups.map(({ name, tier }) => [name, tier]),
    [
      ["partner", 2],
      ["north", 1],
      ["south", 1],
      ["far", 3],
      ["nearest", 0],
    ],
  );
  assert.equal(groups.tierCount, 5);
  assert.equal(groups.tierOf.length, GROUP_IDS);
  const used = new Map(data.groups.map((group) => [group.id, group.tier]));
  for (let id = 0; id < GROUP_IDS; id++) assert.equal(groups.tierOf[id], used.get(id) ?? 4);
});

test("without groups there is one tier with all addresses", () => {
  const groups = new PeerGroups(buildPeerGroups([]));
  assert.equal(groups.tierCount, 1);
  assert.equal(groups.groupOf(parseAddress("10.0.0.1")), NO_GROUP);
  assert.equal(groups.tierOf[NO_GROUP], 0);
  assert.ok(groups.reaches(NO_GROUP, NO_GROUP));
});

test("private addresses reach their own group, and the groups that it is reachable from", () => {
  const data = buildPeerGroups(network);
  const groups = new PeerGroups(data);
  const allowed = [[idOf(data, "north"), idOf(data, "south")]];
  for (let peer = 0; peer < GROUP_IDS; peer++) {
    for (let requester = 0; requester < GROUP_IDS; requester++) {
      const expected = peer === requester || allowed.some(([p, r]) => p === peer && r === requester);
      if (groups.reaches(peer, requester) !== expected)
        assert.fail(`${peer} reaches ${requester}: not ${expected}`);
    }
  }
});

test("the control plane gets names and prefix counts in the order of the configuration", () => {
  const { groups } = buildPeerGroups(network);
  assert.deepEqual(
    groups.map(({ name, prefixCount }) => [name, prefixCount]),
    [
      ["partner", 2],
      ["north", 2],
      ["south", 3],
    ],
  );
});

const names = fc.uniqueArray(
  fc.nat(300).map((n) => `group ${n}`),
  { maxLength: 200 },
);

test("over reloads a group keeps its id, and no id goes from one group straight to another", () => {
  fc.assert(
    fc.property(fc.array(names, { minLength: 2, maxLength: 12 }), (reloads) => {
      let before: PeerGroupsData | undefined;
      for (const names of reloads) {
        const data = buildPeerGroups(
          names.map((name) => define(name, 0, [])),
          before,
        );
        const ids = data.groups.map((group) => group.id);
        assert.equal(new Set(ids).size, names.length);
        assert.ok(ids.every((id) => id > NO_GROUP && id < GROUP_IDS));
        const namesBefore = new Map(before?.groups.map(({ id, name }) => [id, name]));
        const idsBefore = new Map(before?.groups.map(({ id, name }) => [name, id]));
        for (const { id, name } of data.groups) {
          assert.equal(id, idsBefore.get(name) ?? id);
          assert.equal(name, namesBefore.get(id) ?? name);
        }
        before = data;
      }
    }),
    { numRuns: 50 },
  );
});

test("ids are given in turn, and one just left behind is passed over when its turn has come", () => {
  let data = buildPeerGroups([define("a", 0, [])]);
  assert.equal(idOf(data, "a"), 1);
  for (let id = 2; id < GROUP_IDS; id++) {
    data = buildPeerGroups([define("a", 0, []), define(`group ${id}`, 0, [])], data);
    assert.equal(idOf(data, `group ${id}`), id);
  }
  data = buildPeerGroups([define(`group ${GROUP_IDS - 1}`, 0, []), define("new", 0, [])], data);
  assert.equal(idOf(data, "new"), 2);
});

test("as many groups as there can be, all renamed at each reload, still have ids of their own", () => {
  let data: PeerGroupsData | undefined;
  for (let reload = 0; reload < 4; reload++) {
    const definitions = Array.from({ length: GROUPS_MAX }, (_, i) => define(`${reload} ${i}`, i, []));
    data = buildPeerGroups(definitions, data);
    assert.equal(new Set(data.groups.map((group) => group.id)).size, GROUPS_MAX);
    assert.ok(data.groups.every(({ id }) => id > NO_GROUP && id < GROUP_IDS));
  }
});

test("overlaps are reported per pair of groups", () => {
  const definitions = [
    define("a", 0, ["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/24", "192.0.2.0/24"]),
    define("b", 1, ["10.1.2.0/24", "10.1.2.0/24", "10.1.3.0/24", "192.0.2.0/24", "2001:db8::/32"]),
    define("c", 2, ["10.1.2.3/32", "::/0"]),
    define("d", 3, ["198.51.100.0/24"]),
  ];
  assert.deepEqual(findOverlaps(definitions), [
    { inner: "a", outer: "b", prefixCount: 1 },
    { inner: "b", outer: "a", prefixCount: 3 },
    { inner: "b", outer: "c", prefixCount: 1 },
    { inner: "c", outer: "a", prefixCount: 1 },
    { inner: "c", outer: "b", prefixCount: 1 },
  ]);
});

test("overlaps are those that comparing every pair finds", () => {
  const prefix = fc
    .tuple(fc.nat(3), fc.nat(8))
    .map(([start, length]) => createPrefix(4, [start * 0x4000_0000 + start * 0x100_0000, 0, 0, 0], length));
  const groups = fc.array(fc.array(prefix, { maxLength: 8 }), { maxLength: 4 });
  fc.assert(
    fc.property(groups, (lists) => {
      const definitions = lists.map((prefixes, i) => ({
        name: `${i}`,
        priority: 0,
        prefixes,
        reachableFrom: [],
      }));
      const distinct = (prefixes: readonly Prefix[]) => [
        ...new Map(prefixes.map((prefix) => [`${prefix.words[0]}/${prefix.length}`, prefix])).values(),
      ];
      const expected = definitions.flatMap((inner) =>
        definitions
          .filter((outer) => outer !== inner)
          .map((outer) => ({
            inner: inner.name,
            outer: outer.name,
            prefixCount: distinct(inner.prefixes).filter((p) =>
              outer.prefixes.some((q) => containsPrefix(q, p)),
            ).length,
          }))
          .filter(({ prefixCount }) => prefixCount > 0),
      );
      assert.deepEqual(findOverlaps(definitions), expected);
    }),
  );
});

test("overlaps among 100,000 prefixes are found in time, also where one is listed again and again", () => {
  const distinct = Array.from({ length: 50_000 }, (_, i) => createPrefix(4, [i * 0x1_0000, 0, 0, 0], 24));
  const same = new Array<Prefix>(50_000).fill(createPrefix(4, [0, 0, 0, 0], 24));
  const all = createPrefix(4, [0, 0, 0, 0], 0);
  const before = process.cpuUsage();
  const overlaps = findOverlaps([
    { name: "own", priority: 0, prefixes: [...distinct, ...same], reachableFrom: [] },
    { name: "everything", priority: 1, prefixes: [all], reachableFrom: [] },
  ]);
  assert.deepEqual(overlaps, [{ inner: "own", outer: "everything", prefixCount: 50_000 }]);
  const { user } = process.cpuUsage(before);
  assert.ok(user < 5e6, "quadratic would take minutes");
});
