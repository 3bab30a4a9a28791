/** When the copy of a complete peer is proven, and which stalled downloads are recorded for the hash list. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT, coarseLeft, LEFT_MAX } from "../model/announce.ts";
import { flagsOf, isStranded, setQualification } from "../store/layout/entry.ts";
import { isLearned, isProven } from "../store/layout/key.ts";
import { type Announced, TrackerFixture } from "./tracker-fixture.ts";

const SWARM = new Uint32Array(5);
const SEEDER: Announced = { left: 0, transferred: [0, 0] };

/** Whether the copy of a peer of swarm 0 is proven. */
function isBelieved(fixture: TrackerFixture, text: string): boolean {
  const { store } = fixture;
  const address = parseAddress(text);
  const shard = store.enter(SWARM);
  const cell = store.listCell(store.find(shard, SWARM), address.family);
  const list = store.list(address.family);
  const key = store.words[list.wordAAt(cell, list.find(cell, address.words, 6881))];
  store.leave(shard);
  return isProven(key) && !isLearned(key);
}

describe("a copy is proven", () => {
  test("after it was announced for min_dwell, with any number of announces", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 86_400 }),
        fc.array(fc.integer({ min: 0, max: 4000 }), { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1_000_000, max: 2_000_000 }),
        (minDwell, waits, start) => {
          const fixture = new TrackerFixture({ minDwell, maxPeers: 100 });
          fixture.clock.seconds = start;
          fixture.announce("11.0.0.1", { ...SEEDER, event: ANNOUNCE_EVENT.started });
          assert.ok(!isBelieved(fixture, "11.0.0.1"));
          for (const wait of waits) {
            fixture.clock.seconds += wait;
            fixture.announce("11.0.0.1", SEEDER);
            const announced = fixture.clock.seconds - start;
            if (announced < (minDwell * 63) / 64)
              assert.ok(!isBelieved(fixture, "11.0.0.1"), `${announced} s`);
            if (announced >= minDwell * 1.02 + 1)
              assert.ok(isBelieved(fixture, "11.0.0.1"), `${announced} s`);
          }
        },
      ),
      { numRuns: caseCount(50, 100) },
    );
  });

  test("not by a single announce, even an old one, nor by an announce of another peer", () => {
    const fixture = new TrackerFixture({ minDwell: 600 });
    fixture.announce("11.0.0.1", SEEDER);
    fixture.clock.seconds += 3000;
    fixture.announce("11.0.0.2", SEEDER);
    fixture.announce("11.0.0.1", { ...SEEDER, port: 6882 });
    assert.ok(!isBelieved(fixture, "11.0.0.1"));
    assert.ok(!isBelieved(fixture, "11.0.0.2"));
  });

  test("when it was downloaded here at a plausible speed", () => {
    const from = (left: number, seconds: number) => {
      const fixture = new TrackerFixture({ minDwell: 86_400 });
      fixture.announce("11.0.0.1", { left });
      fixture.clock.seconds += seconds;
      fixture.announce("11.0.0.1", { left: 0 });
      return isBelieved(fixture, "11.0.0.1");
    };
    assert.ok(from(coarseLeft(1e9), 0), "within a second");
    assert.ok(!from(coarseLeft(1e11), 10), "80 Gbit/s");
    assert.ok(from(coarseLeft(1e11), 1000));
    assert.ok(!from(LEFT_MAX, 1000), "nobody knows how much there was to fetch");
  });

  test("when it has uploaded since it was first announced", () => {
    for (const [event, sent, proven] of [
      [ANNOUNCE_EVENT.none, 5, true],
      [ANNOUNCE_EVENT.none, 0, false],
      [ANNOUNCE_EVENT.none, -1, false],
      [ANNOUNCE_EVENT.started, 5, false],
    ] as const) {
      const fixture = new TrackerFixture({ minDwell: 86_400 });
      fixture.announce("11.0.0.1", { left: 0, transferred: [0, 5] });
      assert.ok(!isBelieved(fixture, "11.0.0.1"), "as a leecher elsewhere, perhaps");
      fixture.clock.seconds += 10;
      fixture.announce("11.0.0.1", { left: 0, event, transferred: [0, sent] });
      assert.equal(isBelieved(fixture, "11.0.0.1"), proven);
    }
  });

  test("at both addresses of a dual-stack client, until it is incomplete again", () => {
    const fixture = new TrackerFixture({ minDwell: 600 });
    const other = "2001:db8:11::1";
    fixture.announce("11.0.0.1", { left: 50, other });
    fixture.clock.seconds += 100;
    fixture.announce("11.0.0.1", { left: 0, other });
    for (const address of ["11.0.0.1", other]) assert.ok(isBelieved(fixture, address));
    fixture.announce("11.0.0.1", { left: LEFT_MAX, other });
    fixture.announce("11.0.0.1", { left: 0, other });
    for (const address of ["11.0.0.1", other]) assert.ok(!isBelieved(fixture, address));
  });

  test("not by another tracker's report, and at once with min_dwell 0", () => {
    const fixture = new TrackerFixture({ minDwell: 600 });
    fixture.announce("11.0.0.9");
    fixture.learn(11, 0, 0, 1, 26, 225);
    fixture.clock.seconds += 1000;
    fixture.announce("11.0.0.1", SEEDER);
    assert.ok(!isBelieved(fixture, "11.0.0.1"));
    fixture.tracker.policy = { ...fixture.tracker.policy, copies: { minDwell: 0, tiers: 1 } };
    fixture.announce("11.0.0.2", SEEDER);
    assert.ok(isBelieved(fixture, "11.0.0.2"));
  });
});

describe("a download that stalls while its torrent is listed", () => {
  /** A world in which swarm 0 is listed, whatever peers it has. */
  function listed() {
    const fixture = new TrackerFixture();
    const look = (list: boolean) => {
      const { store } = fixture;
      const shard = store.enter(SWARM);
      const entry = store.find(shard, SWARM);
      if (list) setQualification(store.words, entry, { qualifies: true, strikes: 0, since: 1 });
      store.leave(shard);
      return isStranded(flagsOf(store.words, entry));
    };
    return { fixture, list: () => look(true), isNoted: () => look(false) };
  }

  test("is recorded for the list if it is inside, four times until it makes progress", () => {
    const { fixture, list, isNoted } = listed();
    const again = (fields: Announced = {}, address = "11.0.0.1") => {
      list();
      fixture.clock.seconds += 700;
      fixture.announce(address, { left: 100, ...fields });
      return isNoted();
    };
    fixture.announce("11.0.0.1");
    for (const address of ["13.0.0.1", "99.0.0.1"]) {
      fixture.announce(address);
      assert.ok(!again({}, address), `${address} is not inside`);
    }
    for (let time = 1; time <= 4; time++) assert.ok(again(), `time ${time}`);
    for (let time = 1; time <= 20; time++) assert.ok(!again(), "the list is not why");
    assert.ok(!again({ left: 90 }));
    assert.ok(again({ left: 90 }), "it had moved");
    assert.ok(!again({ left: 90, event: ANNOUNCE_EVENT.paused }), "wants nothing");
  });

  test("is recorded for any frequency of announces, but only while the torrent is listed", () => {
    for (const seconds of [30, 150, 300, 599, 600, 1800]) {
      const { fixture, list, isNoted } = listed();
      fixture.announce("11.0.0.1");
      for (let i = 0; i < 100; i++) {
        fixture.clock.seconds += seconds;
        fixture.announce("11.0.0.1");
        assert.ok(!isNoted());
      }
      let noted = 0;
      for (let i = 0; i < 100; i++) {
        fixture.clock.seconds += seconds;
        list();
        fixture.announce("11.0.0.1");
        if (isNoted()) noted++;
      }
      assert.equal(noted, 4, `every ${seconds} s`);
    }
  });
});
