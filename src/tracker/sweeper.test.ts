import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import type { Family } from "../model/address.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { COUNTER } from "../model/counters.ts";
import { NO_GROUP } from "../network/peer-groups.ts";
import { allocateCensus, CENSUS, LARGEST, LARGEST_WORDS, peersAt } from "./census.ts";
import type { Sweeper } from "./sweeper.ts";
import { groupsOf, TrackerFixture } from "./tracker-fixture.ts";

describe("sweeper", () => {
  function sweeperOf(fixture: TrackerFixture): Sweeper {
    return fixture.makeSweeper();
  }

  /** Runs a whole round, in steps of one hold. */
  function round(sweeper: Sweeper, fixture: TrackerFixture): void {
    while (!sweeper.step(fixture.clock.seconds, 1)) {}
  }

  test("expired peers and empty swarms are removed", () => {
    const fixture = new TrackerFixture();
    const sweeper = sweeperOf(fixture);
    for (let i = 0; i < 3000; i++) {
      fixture.announce(i % 2 ? `11.0.${i >> 8}.${i & 255}` : `2001:db8:11::${i.toString(16)}`, {
        swarm: i % 7,
      });
    }
    fixture.announce("11.9.9.9", { swarm: 100 });
    fixture.clock.seconds += 2000;
    for (let i = 0; i < 3000; i += 3) {
      fixture.announce(i % 2 ? `11.0.${i >> 8}.${i & 255}` : `2001:db8:11::${i.toString(16)}`, {
        swarm: i % 7,
      });
    }
    round(sweeper, fixture);
    assert.equal(fixture.store.peerCount, 3001, "nobody has expired yet");
    fixture.clock.seconds += 1901;
    round(sweeper, fixture);
    assert.equal(fixture.store.peerCount, 1000);
    assert.equal(fixture.store.swarmCount, 7);
    assert.equal(fixture.counters[COUNTER.peersExpired], 2001);
    fixture.clock.seconds += 2000;
    round(sweeper, fixture);
    assert.equal(fixture.store.swarmCount, 0);
    assert.equal(fixture.store.peerCount, 0);
  });

  test("a round counts peers by group, swarms by size, swarms without near peers, and the largest swarms", () => {
    const fixture = new TrackerFixture();
    const census = allocateCensus();
    const sweeper = fixture.makeSweeper(census);
    // Swarm n has n peers at home, of which the first is complete, and one outside.
    for (let swarm = 0; swarm < 50; swarm++) {
      fixture.announce("99.0.0.1", { swarm });
      for (let i = 0; i < swarm; i++) fixture.announce(`11.0.0.${i}`, { swarm, left: i === 0 ? 0 : 1 });
    }
    fixture.announce("2001:db8:13::1", { swarm: 49 });
    assert.equal(census[CENSUS.rounds], 0, "nothing is published before a round is over");
    for (let rounds = 1; rounds <= 2; rounds++) {
      round(sweeper, fixture);
      assert.equal(census[CENSUS.rounds], rounds);
      assert.equal(census[CENSUS.swarms], 50);
      assert.equal(census[CENSUS.withoutNear], 1);
      assert.deepEqual([...census.subarray(CENSUS.sizes, CENSUS.sizes + 7)], [1, 1, 2, 4, 8, 16, 18]);
      const count = (family: Family, complete: boolean, group: number) =>
        census[peersAt(family, complete, group)];
      assert.equal(count(4, true, 1), 49);
      assert.equal(count(4, false, 1), (49 * 50) / 2 - 49);
      assert.equal(count(4, false, NO_GROUP), 50);
      assert.equal(count(6, false, 3), 1);
      const largest = Array.from({ length: LARGEST }, (_, i) =>
        census.subarray(CENSUS.largest + i * LARGEST_WORDS, CENSUS.largest + (i + 1) * LARGEST_WORDS),
      ).sort((a, b) => b[0] - a[0]);
      assert.deepEqual(
        largest.map(([swarm, , , , , complete, incomplete]) => [swarm, complete, incomplete]),
        Array.from({ length: LARGEST }, (_, i) => [49 - i, 1, 49 - i + (i === 0 ? 1 : 0)]),
      );
      assert.deepEqual([...largest[0].subarray(7)], [49, 1, 0, 0, 0, 0, 0, 1]);
    }
  });

  test("a client that announces from two addresses is counted once", () => {
    const fixture = new TrackerFixture();
    const census = allocateCensus();
    const sweeper = fixture.makeSweeper(census);
    for (const client of [1, 2, 3])
      for (const address of [`11.0.0.${client}`, `2001:db8:11:${client}::1`])
        fixture.announce(address, { client, port: 1000 + client });
    for (let i = 0; i < 2; i++) round(sweeper, fixture);
    const home = fixture.groups.groupOf(parseAddress("11.0.0.1"));
    assert.deepEqual([census[peersAt(4, false, home)], census[peersAt(6, false, home)]], [3, 0]);
  });

  test("ages are right across the 16-bit wrap of the clock", () => {
    for (const start of [65_530, 65_536 * 3 - 1, 0]) {
      const fixture = new TrackerFixture();
      fixture.clock.seconds = start;
      const sweeper = sweeperOf(fixture);
      fixture.announce("11.0.0.1");
      fixture.clock.seconds += 3900;
      round(sweeper, fixture);
      assert.equal(fixture.store.peerCount, 1);
      fixture.clock.seconds += 1;
      round(sweeper, fixture);
      assert.equal(fixture.store.peerCount, 0);
    }
  });

  test("new groups reclassify the known peers and drop none", () => {
    const fixture = new TrackerFixture();
    const sweeper = sweeperOf(fixture);
    for (let i = 0; i < 2000; i++)
      fixture.announce(`${11 + (i % 3)}.0.${i >> 8}.${i & 255}`, { left: i % 4, swarm: i % 2 });
    const before = [fixture.scrape(0), fixture.scrape(1)];
    // The former home is far now, and the partner is home.
    fixture.groups = groupsOf([
      { name: "home", priority: 0, prefixes: ["13.0.0.0/8"] },
      { name: "new", priority: 1, prefixes: ["11.0.0.0/9", "12.0.0.0/8"] },
    ]);
    fixture.tracker.policy = { ...fixture.tracker.policy, groups: fixture.groups };
    sweeper.reclassify(fixture.groups);
    assert.ok(sweeper.reclassifying);
    round(sweeper, fixture);
    round(sweeper, fixture);
    assert.ok(!sweeper.reclassifying);
    assert.deepEqual([fixture.scrape(0), fixture.scrape(1)], before);
    fixture.announce("13.9.9.9", { numWant: 200, left: 1 });
    assert.ok(fixture.returned(4).every(({ address }) => address.startsWith("13.")));
    assert.equal(fixture.returned(4).length, 200);
  });

  test("all swarms are swept even if groups change all the time", () => {
    const fixture = new TrackerFixture();
    const sweeper = sweeperOf(fixture);
    for (let i = 0; i < 1000; i++) fixture.announce("11.0.0.1", { swarm: i });
    fixture.clock.seconds += 3901;
    for (let step = 0; step < 100; step++) {
      sweeper.reclassify(fixture.groups);
      sweeper.step(fixture.clock.seconds, 1);
    }
    assert.equal(fixture.store.swarmCount, 0);
    round(sweeper, fixture);
    round(sweeper, fixture);
    round(sweeper, fixture);
    assert.ok(!sweeper.reclassifying);
  });

  test("one round without announces reclassifies all peers, in swarms of any size", () => {
    const nets = ["11.0.0.0/8", "12.0.0.0/8", "13.0.0.0/8", "14.0.0.0/8"];
    const named = (order: readonly number[]) =>
      groupsOf(order.map((net, i) => ({ name: `group ${i}`, priority: i, prefixes: [nets[net]] })));
    const order = fc.shuffledSubarray([0, 1, 2, 3]);
    fc.assert(
      fc.property(
        order,
        order,
        fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 5 }),
        (first, second, sizes) => {
          const fixture = new TrackerFixture();
          fixture.groups = named(first);
          fixture.tracker.policy = { ...fixture.tracker.policy, groups: fixture.groups };
          const sweeper = sweeperOf(fixture);
          for (const [swarm, size] of sizes.entries()) {
            for (let i = 0; i < size; i++) {
              fixture.announce(`${11 + ((i * 7) % 5)}.0.${i >> 8}.${i & 255}`, {
                swarm,
                left: i % 3,
                numWant: 0,
              });
            }
          }
          const groups = named(second);
          sweeper.reclassify(groups);
          round(sweeper, fixture);
          const wrong = fixture
            .peers()
            .filter(({ address, group }) => groups.groupOf(parseAddress(address)) !== group);
          assert.deepEqual(wrong, []);
          assert.equal(
            fixture.peers().length,
            sizes.reduce((sum, size) => sum + size, 0),
          );
        },
      ),
      { numRuns: caseCount(25, 60) },
    );
  });

  test("swarms may change between its steps", () => {
    const action = fc.record({
      swarm: fc.integer({ min: 0, max: 6 }),
      host: fc.integer({ min: 0, max: 900 }),
      stop: fc.boolean(),
      later: fc.integer({ min: 0, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 2500, size: "max" }), (actions) => {
        const fixture = new TrackerFixture();
        const sweeper = sweeperOf(fixture);
        const lastSeen = new Map<string, number>();
        for (const { swarm, host, stop, later } of actions) {
          const address = `11.0.${host >> 8}.${host & 255}`;
          const event = stop ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
          fixture.announce(address, { swarm, event, left: host % 2, numWant: 1 });
          if (stop) lastSeen.delete(`${swarm} ${address}`);
          else lastSeen.set(`${swarm} ${address}`, fixture.clock.seconds);
          fixture.clock.seconds += later >> 6;
          sweeper.step(fixture.clock.seconds, 1);
        }
        round(sweeper, fixture);
        round(sweeper, fixture);
        const alive = [...lastSeen.values()].filter((seen) => fixture.clock.seconds - seen <= 3900);
        assert.equal(fixture.store.peerCount, alive.length);
      }),
      { numRuns: caseCount(12, 25) },
    );
  });
});
