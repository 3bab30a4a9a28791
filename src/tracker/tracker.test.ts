import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ANNOUNCE_EVENT, LEFT_MAX } from "../model/announce.ts";
import { CLIENT_ERROR, OK } from "../model/client-error.ts";
import { COUNTER } from "../model/counters.ts";
import { AccessList, buildAccessList } from "./access-list.ts";
import { SETTINGS, TrackerFixture } from "./tracker-fixture.ts";

describe("tracker", () => {
  test("stopped removes a peer; completed counts once for each peer", () => {
    const fixture = new TrackerFixture();
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.started });
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.started });
    assert.deepEqual(fixture.scrape(), [0, 2, 0]);
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.completed, left: 0 });
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.completed, left: 0 });
    fixture.announce("11.0.0.1", { left: 0 });
    assert.deepEqual(fixture.scrape(), [1, 1, 1]);
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.completed, left: 3 });
    assert.deepEqual(fixture.scrape(), [1, 1, 1], "completed with something left is no completion");
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped, left: 0 });
    assert.equal(fixture.response.complete, 0);
    assert.equal(fixture.response.peerCount, 0);
    fixture.announce("11.0.0.3", { event: ANNOUNCE_EVENT.stopped });
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped });
    assert.equal(fixture.store.swarmCount, 0);
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped, swarm: 77 });
    assert.equal(fixture.store.swarmCount, 0, "stopping what nobody knows makes no swarm");
  });

  test("a client cannot stop another's peer", () => {
    const fixture = new TrackerFixture();
    fixture.announce("11.0.0.1");
    fixture.announce("11.0.0.2", { event: ANNOUNCE_EVENT.stopped });
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped, port: 6882 });
    assert.deepEqual(fixture.scrape(), [0, 1, 0]);
  });

  test("BEP 21: a paused partial seed is a leecher that gets no seeders", () => {
    const fixture = new TrackerFixture();
    fixture.announce("11.0.0.1", { left: 0 });
    fixture.announce("11.0.0.2");
    fixture.announce("11.0.0.3", { event: ANNOUNCE_EVENT.paused });
    assert.deepEqual(fixture.returnedAll(), ["11.0.0.2 6881"]);
    assert.deepEqual(fixture.scrape(), [1, 2, 0]);
  });

  test("a huge left is not zero", () => {
    const fixture = new TrackerFixture();
    fixture.announce("11.0.0.1", { left: LEFT_MAX });
    assert.deepEqual(fixture.scrape(), [0, 1, 0]);
  });

  test("at max_peers a new peer is answered and counted, but not stored", () => {
    const fixture = new TrackerFixture({ maxPeers: 3 });
    for (const host of [1, 2, 3]) fixture.announce(`11.0.0.${host}`);
    assert.equal(fixture.announce("11.0.0.4"), OK);
    assert.equal(fixture.returnedAll().length, 3);
    assert.deepEqual(fixture.scrape(), [0, 3, 0]);
    assert.equal(fixture.counters[COUNTER.peersRefused], 1);
    fixture.announce("11.0.0.5", { swarm: 9 });
    assert.equal(fixture.store.swarmCount, 1);
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped });
    fixture.announce("11.0.0.4");
    assert.deepEqual(fixture.scrape(), [0, 3, 0]);
  });

  test("unreachable addresses are never stored", () => {
    const fixture = new TrackerFixture();
    for (const address of ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"])
      fixture.announce(address);
    assert.deepEqual(fixture.scrape(), [0, 0, 0]);
    assert.equal(fixture.store.swarmCount, 0);
  });

  test("numwant: default, none, limited", () => {
    const fixture = new TrackerFixture();
    for (let i = 1; i <= 250; i++) fixture.announce(`99.0.0.${i}`, { numWant: 0 });
    for (const [numWant, expected] of [
      [-1, 50],
      [0, 0],
      [1, 1],
      [200, 200],
      [1e9, 200],
    ]) {
      fixture.announce("11.0.0.1", { numWant });
      assert.equal(fixture.returnedAll().length, expected);
    }
  });

  test("intervals vary by a tenth in both directions, and are never below the minimum", () => {
    const fixture = new TrackerFixture();
    const seen = new Set<number>();
    for (let i = 0; i < 4000; i++) {
      fixture.announce("11.0.0.1");
      seen.add(fixture.response.interval);
    }
    assert.ok(Math.min(...seen) >= 1620 && Math.max(...seen) <= 1980);
    assert.ok(Math.min(...seen) < 1640 && Math.max(...seen) > 1960);
    fixture.tracker.policy = { ...fixture.tracker.policy, settings: { ...SETTINGS, interval: 900 } };
    for (let i = 0; i < 100; i++) {
      fixture.announce("11.0.0.1");
      assert.ok(fixture.response.interval >= 900);
    }
  });

  test("the access list allows or denies", () => {
    const listed = new Uint32Array(10);
    listed[0] = 5;
    listed[5] = 5;
    listed[9] = 1;
    const allow = new TrackerFixture({ accessList: new AccessList(buildAccessList("allow", listed)) });
    assert.equal(allow.announce("11.0.0.1", { swarm: 5 }), OK);
    assert.equal(allow.announce("11.0.0.1", { swarm: 6 }), CLIENT_ERROR.notAllowed);
    const deny = new TrackerFixture({ accessList: new AccessList(buildAccessList("deny", listed)) });
    assert.equal(deny.announce("11.0.0.1", { swarm: 5 }), CLIENT_ERROR.notAllowed);
    assert.equal(deny.announce("11.0.0.1", { swarm: 6 }), OK);
  });
});

test("announces of members that got outside peers although there were enough at home are counted", () => {
  const fixture = new TrackerFixture({ selection: { policy: "bridged", homePeersEnough: 1 } });
  const missed = () => [fixture.counters[COUNTER.memberAnnounces], fixture.counters[COUNTER.nearMissed]];
  fixture.announce("99.0.0.1", { left: 0 });
  fixture.announce("11.0.0.1");
  assert.deepEqual(missed(), [1, 0], "there is nobody else at home");
  fixture.announce("11.0.0.2");
  fixture.announce("11.0.0.3");
  fixture.announce("11.0.0.1", { numWant: 2 });
  assert.deepEqual(missed(), [4, 1], "a bridge is given outside peers though two are at home");
});

test("unreachable peers do not count as missed choices", () => {
  const fixture = new TrackerFixture();
  fixture.announce("99.0.0.1");
  for (const address of ["10.1.0.1", "10.1.0.2"]) fixture.announce(address);
  fixture.counters.fill(0);
  fixture.announce("12.0.0.1");
  assert.equal(fixture.counters[COUNTER.peersReturned], 1, "the one outside");
  assert.equal(fixture.counters[COUNTER.nearMissed], 0);
});
