import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { groupsOf, TEST_GROUPS, TrackerFixture } from "../tracker/tracker-fixture.ts";
import { allocateSwarmStore } from "./store-memory.ts";

const [MEMBER, STRANGER] = ["11.0.0.1", "99.0.0.1"];

function start() {
  const store = allocateSwarmStore(10_000, 2, [1, 2], true);
  const fixture = new TrackerFixture({ store });
  const { endpoints } = fixture.store.limits;
  assert.ok(endpoints);
  const count = (address: string, port = 6881) => {
    const { family, words } = parseAddress(address);
    return endpoints.count(family, words, 0, port);
  };
  return { fixture, sum: () => store.endpoints?.reduce((sum, each) => sum + each, 0), count };
}

test("the records of endpoints are counted over all swarms", () => {
  const { fixture, count, sum } = start();
  for (const address of [MEMBER, STRANGER, "2001:db8:99::1"])
    for (const swarm of [1, 2, 3]) fixture.announce(address, { swarm });
  fixture.announce(STRANGER, { swarm: 2 });
  fixture.announce(STRANGER, { swarm: 3, left: 0, event: ANNOUNCE_EVENT.completed });
  fixture.announce(STRANGER, { port: 7000 });
  fixture.learn(99, 0, 0, 1, 6881 >> 8, 6881 & 255);
  assert.equal(count(MEMBER), 3);
  assert.equal(count(STRANGER), 4);
  assert.equal(count("2001:db8:99::1"), 3);
  assert.equal(count(STRANGER, 7000), 1);
  for (const address of [MEMBER, STRANGER, "2001:db8:99::1"])
    for (const swarm of [1, 2, 3]) fixture.announce(address, { swarm, event: ANNOUNCE_EVENT.stopped });
  // With its last announced peer a swarm loses its learned ones.
  fixture.announce(STRANGER, { port: 7000, event: ANNOUNCE_EVENT.stopped });
  assert.equal(sum(), 0);
});

test("a peer that changes its group stays counted", () => {
  const { fixture, count, sum } = start();
  const regroup = (groups: typeof TEST_GROUPS) => {
    fixture.groups = groupsOf(groups);
    fixture.tracker.policy = { ...fixture.tracker.policy, groups: fixture.groups };
    const sweeper = fixture.makeSweeper();
    sweeper.reclassify(fixture.groups);
    while (sweeper.reclassifying) sweeper.step(fixture.clock.seconds, 100);
  };
  for (const swarm of [1, 2]) for (const address of [MEMBER, STRANGER]) fixture.announce(address, { swarm });
  regroup([{ name: "new", priority: 0, prefixes: ["99.0.0.0/8"] }]);
  assert.deepEqual([count(MEMBER), count(STRANGER)], [2, 2]);
  regroup(TEST_GROUPS);
  assert.deepEqual([count(MEMBER), count(STRANGER)], [2, 2]);
  for (const swarm of [1, 2])
    for (const address of [MEMBER, STRANGER])
      fixture.announce(address, { swarm, event: ANNOUNCE_EVENT.stopped });
  assert.equal(sum(), 0);
});
