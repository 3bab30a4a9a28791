import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPeerGroups } from "../network/peer-groups.ts";
import { parsePrefix } from "../network/prefix.ts";
import { LearnedCounts, LearnedPeers } from "../store/learned-peers.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { LocalCopies } from "./local-copies.ts";

const GROUPS = buildPeerGroups(
  [
    { name: "home", priority: 0, prefixes: ["11.0.0.0/8", "2001:db8:11::/48", "10.1.0.0/16"] },
    { name: "region", priority: 0, prefixes: ["12.0.0.0/8", "10.2.0.0/16"], reachableFrom: ["home"] },
    { name: "partner", priority: 5, prefixes: ["13.0.0.0/8"] },
  ].map(({ reachableFrom = [], ...group }) => ({
    ...group,
    prefixes: group.prefixes.map((text) => parsePrefix(text).prefix),
    reachableFrom,
  })),
);

/** Counts swarm 0 after some announces: addresses of complete peers, and of leechers. */
function count(
  seeders: string[],
  leechers: string[],
  { tiers = 1, enough = 3, least = 1, learned = new Uint8Array() } = {},
) {
  const fixture = new TrackerFixture();
  for (const [left, addresses] of [
    [0, seeders],
    [100, leechers],
  ] as const) {
    for (const address of addresses) {
      const [at, port = "6881"] = address.split(" ");
      fixture.announce(at, { left, port: Number(port) });
    }
  }
  const swarm = new Uint32Array(5);
  const others = { family: 4, peers: learned, complete: true, source: 1, expiresAt: 2_000_000 } as const;
  if (learned.length > 0)
    assert.ok(
      new LearnedPeers(fixture.store, 1000, fixture.groups, 1000).learn(swarm, others, new LearnedCounts()),
    );
  const copies = new LocalCopies(fixture.store);
  copies.adopt(GROUPS, tiers, enough);
  const shard = fixture.store.enter(swarm);
  copies.count(fixture.store.find(shard, swarm), least);
  fixture.store.leave(shard);
  return [copies.copies, copies.peers];
}

test("copies inside are counted, and those outside and farther than the tiers are not", () => {
  assert.deepEqual(count(["11.0.0.1", "12.0.0.1", "13.0.0.1", "99.0.0.1"], ["11.0.0.2", "99.0.0.2"]), [2, 3]);
  assert.deepEqual(count(["11.0.0.1", "12.0.0.1", "13.0.0.1", "99.0.0.1"], [], { tiers: 2 }), [3, 3]);
  assert.deepEqual(count(["11.0.0.1", "99.0.0.1"], [], { tiers: 1000 }), [1, 1], "no group is never inside");
  assert.deepEqual(count(["99.0.0.1", "99.0.0.2", "99.0.0.3"], ["11.0.0.1"]), [0, 1]);
});

test("peers that others have named do not count", () => {
  const learned = Uint8Array.of(11, 0, 0, 5, 26, 225, 11, 0, 0, 6, 26, 225);
  assert.deepEqual(count(["11.0.0.1"], ["11.0.0.2"], { learned }), [1, 2]);
});

test("a client that announces itself from two addresses is one peer", () => {
  const fixture = new TrackerFixture();
  for (const client of [1, 2, 3])
    for (const address of [`11.0.0.${client}`, `2001:db8:11:${client}00::1`])
      fixture.announce(address, { client, port: 1000 + client, left: client === 1 ? 0 : 100 });
  const copies = new LocalCopies(fixture.store);
  copies.adopt(GROUPS, 1, 3);
  const swarm = new Uint32Array(5);
  const shard = fixture.store.enter(swarm);
  copies.count(fixture.store.find(shard, swarm), 1);
  fixture.store.leave(shard);
  assert.deepEqual([copies.copies, copies.peers], [1, 3]);
});

test("no more copies are told apart than are enough, and a swarm with too few in all is not looked at", () => {
  const many = Array.from({ length: 60 }, (_, i) => `11.0.1.${i}`);
  assert.deepEqual(count(many, ["11.0.0.1"]), [3, 61]);
  assert.deepEqual(count(["11.0.0.1"], ["11.0.0.2"], { least: 2 }), [0, 0]);
});

test("copies at one address, or in one household's IPv6 prefix, count once", () => {
  assert.deepEqual(count(["11.0.0.1 11", "11.0.0.1 12", "11.0.0.1 13"], []), [1, 3]);
  assert.deepEqual(count(["2001:db8:11:100::1", "2001:db8:11:1ff::1", "2001:db8:11:200::1"], []), [2, 3]);
});

test("each family is counted by itself, and the one with fewer copies decides where somebody downloads", () => {
  const both = ["11.0.0.1", "11.0.0.2", "2001:db8:11:100::1"];
  assert.equal(count(both, [])[0], 2);
  assert.equal(count(both, ["11.0.0.3"])[0], 2);
  assert.equal(count(both, ["2001:db8:11:300::1"])[0], 1);
  assert.equal(count(both, ["11.0.0.3", "2001:db8:11:300::1"])[0], 1);
  assert.equal(count(["11.0.0.1", "11.0.0.2"], ["2001:db8:11:300::1"])[0], 0);
});

test("a private address counts only where every group inside reaches it", () => {
  assert.deepEqual(count(["10.2.0.1", "10.2.0.2"], []), [2, 2], "home reaches region");
  assert.deepEqual(count(["10.1.0.1", "10.1.0.2"], []), [0, 2], "region does not reach home");
  assert.deepEqual(count(["10.2.0.1", "10.2.0.2"], [], { tiers: 2 })[0], 0, "partner does not reach region");
});

test("a client that has moved has its copy where it is now, once that is proven", () => {
  for (const [from, to] of [
    ["11.0.0.1", "11.0.0.2"],
    ["2001:db8:11:100::1", "2001:db8:11:200::1"],
  ]) {
    const fixture = new TrackerFixture({ minDwell: 600 });
    const copies = new LocalCopies(fixture.store);
    copies.adopt(GROUPS, 1, 3);
    const announce = (address: string) => {
      fixture.announce(address, { left: 0, client: 7 });
      const shard = fixture.store.enter(new Uint32Array(5));
      copies.count(fixture.store.find(shard, new Uint32Array(5)), 1);
      fixture.store.leave(shard);
      fixture.clock.seconds += 700;
      return copies.copies;
    };
    assert.deepEqual([from, from, to, to].map(announce), [0, 1, 0, 1]);
  }
});

test("a dual-stack client has a copy in both families, each when it is proven", () => {
  const fixture = new TrackerFixture({ minDwell: 600 });
  const copies = new LocalCopies(fixture.store);
  copies.adopt(GROUPS, 1, 3);
  fixture.announce("11.0.0.9");
  fixture.announce("2001:db8:11::9");
  const count = () => {
    const shard = fixture.store.enter(new Uint32Array(5));
    copies.count(fixture.store.find(shard, new Uint32Array(5)), 1);
    fixture.store.leave(shard);
    return copies.copies;
  };
  const both = ["11.0.0.1", "2001:db8:11::1"];
  for (const address of both) fixture.announce(address, { left: 0, client: 7 });
  fixture.clock.seconds += 700;
  fixture.announce(both[0], { left: 0, client: 7 });
  assert.equal(count(), 0, "IPv6 has none yet");
  fixture.announce(both[1], { left: 0, client: 7 });
  assert.equal(count(), 1);
});
