import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { parseAddress } from "../model/address-text.ts";
import { LEARNED_SOURCES } from "../model/counters.ts";
import { SOURCES } from "../store/layout/peer.ts";
import { CONFIRMING_ADDRESSES, TrackerStandings } from "./tracker-standings.ts";

const NOW = 1_800_000_000;
const HOUR = 3600;

let standings: TrackerStandings;

beforeEach(() => {
  standings = new TrackerStandings();
});

const use = (name: string, address: string, now = NOW) => standings.use(name, parseAddress(address), now);

describe("a tracker is confirmed", () => {
  it("when clients at several addresses have used it", () => {
    for (let i = 1; i < CONFIRMING_ADDRESSES; i++) assert.equal(use("t", `192.0.2.${i}`)?.isConfirmed, false);
    assert.equal(standings.isConfirmed("t", NOW), false);
    assert.equal(use("T", "192.0.2.99")?.isConfirmed, true);
    assert.equal(standings.isConfirmed("t", NOW), true);
    assert.equal(standings.isConfirmed("other", NOW), false);
  });

  it("not by one address however often, nor by one household, nor by a household of both families", () => {
    for (let i = 0; i < 1000; i++) {
      assert.equal(use("t", "192.0.2.1", NOW + i)?.isConfirmed, false);
      const subnet = (0x4400 + (i & 255)).toString(16);
      assert.equal(use("t", `2001:db8:1:${subnet}::${i}`, NOW + i)?.isConfirmed, false);
      assert.equal(use("t", `::ffff:192.0.2.1`, NOW + i)?.isConfirmed, false);
    }
    use("t", "192.0.2.2", NOW + 1000);
    assert.equal(use("t", "2001:db8:2::1", NOW + 1000)?.isConfirmed, false, "two and two");
    assert.equal(use("t", "2001:db8:3::1", NOW + 1000)?.isConfirmed, true);
  });

  it("only as long as several use it", () => {
    for (let i = 1; i <= 3; i++) use("t", `192.0.2.${i}`, NOW + i);
    use("t", "192.0.2.2", NOW + HOUR);
    assert.equal(use("t", "192.0.2.3", NOW + 2 * HOUR)?.isConfirmed, true);
    assert.equal(use("t", "192.0.2.3", NOW + 2 * HOUR + 1)?.isConfirmed, false);
  });

  it("by those who use it now, however many have", () => {
    for (let i = 0; i < 200; i++) use("t", `198.51.100.${i}`, NOW + i);
    for (let i = 0; i < 200; i++)
      assert.equal(use("t", `198.51.100.${i}`, NOW + HOUR + i)?.isConfirmed, true);
  });

  it("by nobody who counts for too many others", () => {
    standings = new TrackerStandings({ maxTrackers: 100, maxPerHousehold: 2 });
    use("a", "192.0.2.1");
    use("b", "192.0.2.1");
    use("t", "192.0.2.2");
    use("t", "192.0.2.3");
    assert.equal(use("t", "192.0.2.1")?.isConfirmed, false);
    assert.equal(use("t", "192.0.2.4")?.isConfirmed, true);
  });
});

describe("numbers", () => {
  it("are different, fit into a peer's record, and are none of a neighbor", () => {
    const sources = new Set<number>();
    for (let i = 0; i < 4096; i++)
      sources.add(use(`t${i}`, `2001:db8:0:${(256 * (i & 255)).toString(16)}::1`)!.source);
    assert.equal(sources.size, 4096);
    assert.ok(Math.min(...sources) >= LEARNED_SOURCES && Math.max(...sources) < SOURCES);
  });

  it("stay with a tracker while it is used", () => {
    const { source } = use("t", "192.0.2.1")!;
    for (let i = 1; i < 100; i++) assert.equal(use("t", `192.0.2.${i}`, NOW + i * HOUR)?.source, source);
  });

  it("one household cannot use up, and gets back in time; others have theirs", () => {
    standings = new TrackerStandings({ maxTrackers: 100, maxPerHousehold: 10 });
    const { source } = use("honest", "192.0.2.1")!;
    for (let i = 0; i < 1000; i++) {
      const standing = use(`evil${i}.example`, `2001:db8:1:${(0x4400 + (i & 255)).toString(16)}::${i}`);
      assert.equal(standing !== undefined, i < 10);
    }
    assert.deepEqual([standings.size, standings.unnumbered], [11, 990]);
    assert.equal(use("honest", "192.0.2.1")?.source, source);
    assert.notEqual(use("other", "192.0.2.1"), undefined);
    assert.notEqual(use("evil.example", "2001:db8:1:4400::1", NOW + 3 * HOUR), undefined, "long after");
    assert.equal(standings.size, 1, "the others are forgotten");
  });

  it("are nobody else's before all peers with them are gone, and are never more than there are", () => {
    const operation = fc.record({
      name: fc.nat({ max: 12 }),
      client: fc.nat({ max: 5 }),
      later: fc.nat({ max: 3000 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const limits = { maxTrackers: 8, maxPerHousehold: 3 };
        standings = new TrackerStandings(limits);
        const last = new Map<number, { name: number; at: number }>();
        let now = NOW;
        for (const { name, client, later } of operations) {
          now += later;
          const standing = use(`t${name}`, `192.0.2.${client}`, now);
          assert.ok(standings.size <= limits.maxTrackers);
          if (standing === undefined) continue;
          const before = last.get(standing.source);
          assert.ok(before === undefined || before.name === name || before.at + 2 * HOUR < now);
          last.set(standing.source, { name, at: now });
        }
      }),
    );
  });
});
