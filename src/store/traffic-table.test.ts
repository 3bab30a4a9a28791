import assert from "node:assert/strict";
import { test } from "node:test";
import { ANNOUNCE_EVENT, type AnnounceEvent, AnnounceRequest } from "../model/announce.ts";
import { ACTIVITY, ACTIVITY_WIDTH } from "./group-activity.ts";
import { allocateHybrids } from "./hybrid-table.ts";
import { KeyedHash } from "./keyed-hash.ts";
import { allocateRefusedPairs } from "./refused-pairs.ts";
import { allocateTraffic, TrafficTable } from "./traffic-table.ts";

const MIB = 1024 * 1024;
const { none, started, stopped } = ANNOUNCE_EVENT;

const NOBODY = {
  client: 0,
  group: 1,
  returned: 0,
  returnedOutside: 0,
  candidates: 0,
  candidatesOutside: 0,
  isLimited: false,
  hasGate: false,
};

/** A table of one shard. */
class Tested {
  now = 65_000;
  step = 60;
  announcer = { ...NOBODY };
  readonly activity = new Float64Array(2 * ACTIVITY_WIDTH);
  readonly table: TrafficTable;

  constructor(maxPeers = 10_000) {
    this.table = new TrafficTable(
      {
        traffic: allocateTraffic(maxPeers, 1),
        hybrids: allocateHybrids(maxPeers),
        shards: 1,
        refusedPairs: allocateRefusedPairs(maxPeers),
      },
      new KeyedHash(1, 2),
    );
  }

  /** Announces a peer's sums in MiB, after some time. */
  announce(peer: number, downloaded: number, uploaded: number, event: AnnounceEvent = none): boolean {
    const request = new AnnounceRequest();
    request.address.setIPv4(peer);
    request.port = 1;
    request.event = event;
    request.transferred.set([downloaded * MIB, uploaded * MIB]);
    this.now += this.step;
    return this.table.count(0, 0, request, this.announcer, this.now, this.activity, ACTIVITY_WIDTH);
  }

  /** MiB counted so far. */
  get counted(): number[] {
    const row = this.activity.subarray(ACTIVITY_WIDTH);
    return [row[ACTIVITY.downloaded] / MIB, row[ACTIVITY.uploaded] / MIB];
  }
}

test("the increase of a peer's sums is counted, also when the 16-bit clock wraps", () => {
  const tested = new Tested();
  tested.announce(1, 0, 0, started);
  for (let i = 1; i <= 20; i++) assert.ok(tested.announce(1, 10 * i, i));
  assert.deepEqual(tested.counted, [200, 20]);
  tested.announce(2, 5000, 70);
  assert.deepEqual(tested.counted, [200, 20], "a peer met in the middle begins where it is");
  tested.announce(2, 5001, 72, stopped);
  assert.deepEqual(tested.counted, [201, 22], "what it says at its end counts");
  tested.announce(2, 9000, 9000);
  assert.deepEqual(tested.counted, [201, 22], "and then it is not known any more");
});

test("sums that restart count from zero", () => {
  const tested = new Tested();
  tested.announce(1, 100, 100);
  tested.announce(1, 7, 3);
  assert.deepEqual(tested.counted, [7, 3]);
  tested.announce(1, 0, 0, started);
  tested.announce(1, 1, 1);
  assert.deepEqual(tested.counted, [8, 4]);
});

test("implausible increases are not counted, and neither are missing sums", () => {
  const tested = new Tested();
  tested.announce(1, 0, 0, started);
  tested.announce(1, 2 ** 40, 1);
  assert.deepEqual(tested.counted, [0, 1]);
  for (const sum of [Number.POSITIVE_INFINITY, Number.NaN, -1, 2 ** 63]) {
    tested.announce(1, sum, sum);
    tested.announce(1, 0, sum);
  }
  for (const sum of tested.counted) assert.ok(sum >= 0 && sum < 1000, `${sum} MiB`);
});

test("a full table counts the peers that it has, and reports the others until there is room", () => {
  const tested = new Tested(32 * 16);
  tested.step = 1;
  const peers = Array.from({ length: 100 }, (_, i) => i);
  const known = peers.filter((peer) => tested.announce(peer, 0, 0, started));
  assert.ok(known.length > 20 && known.length <= 32, `${known.length} of 32 slots`);
  for (const peer of known) tested.announce(peer, 1, 0);
  assert.deepEqual(tested.counted, [known.length, 0]);
  assert.deepEqual(
    peers.filter((peer) => tested.announce(peer, 1, 0)),
    known,
  );
  tested.now += 7300;
  const later = [1000, 1001, 1002].filter((peer) => tested.announce(peer, 0, 0, started));
  assert.equal(later.length, 3, "who has not come for two hours makes room");
});

test("bytes are divided by the shares of outside peers in the answers before", () => {
  const tested = new Tested();
  tested.announcer = { ...NOBODY, returned: 10, returnedOutside: 2, candidates: 20, candidatesOutside: 12 };
  tested.announce(1, 0, 0, started);
  tested.announce(1, 100, 10);
  const row = tested.activity.subarray(ACTIVITY_WIDTH);
  const mib = (at: number) => Math.round((row[at] / MIB) * 100) / 100;
  assert.deepEqual([mib(ACTIVITY.outside), mib(ACTIVITY.random)], [20, 60], "received");
  assert.deepEqual([mib(ACTIVITY.outside + 1), mib(ACTIVITY.random + 1)], [2, 6], "sent");
  tested.announcer = { ...NOBODY };
  tested.announce(1, 200, 10);
  tested.announce(1, 300, 10, stopped);
  assert.deepEqual(
    [mib(ACTIVITY.outside), mib(ACTIVITY.random)],
    [60, 180],
    "an answer without peers says nothing",
  );
});

test("where the policy allows only some outside peers, each weighs more, and without any some traffic remains", () => {
  for (const [returnedOutside, expected] of [
    [2, (300 * 3) / 11],
    [0, (300 * 0.2 * 12) / 20],
  ] as const) {
    const tested = new Tested();
    const some = { returned: 10, returnedOutside, candidates: 20, candidatesOutside: 12 };
    tested.announcer = { ...NOBODY, ...some, isLimited: true };
    tested.announce(1, 0, 0, started);
    tested.announce(1, 300, 0);
    const mib = (at: number) => Math.round(tested.activity[ACTIVITY_WIDTH + at] / MIB);
    assert.deepEqual([mib(ACTIVITY.outside), mib(ACTIVITY.random)], [Math.round(expected), 180]);
  }
});

test("the latest answer counts a quarter, but more outside peers count at once", () => {
  const tested = new Tested();
  tested.announcer = { ...NOBODY, returned: 4, returnedOutside: 4, candidates: 4, candidatesOutside: 4 };
  tested.announce(1, 0, 0, started);
  tested.announcer = { ...NOBODY, returned: 4, returnedOutside: 0, candidates: 4, candidatesOutside: 2 };
  tested.announce(1, 0, 0);
  tested.announce(1, 100, 0);
  const row = tested.activity.subarray(ACTIVITY_WIDTH);
  assert.equal(Math.round(row[ACTIVITY.outside] / MIB), 75);
  assert.equal(Math.round(row[ACTIVITY.random] / MIB), 87);
  tested.announcer = { ...NOBODY, returned: 4, returnedOutside: 4, candidates: 4, candidatesOutside: 4 };
  tested.announce(1, 100, 0);
  tested.announce(1, 200, 0);
  assert.equal(Math.round(row[ACTIVITY.outside] / MIB), 175);
});

test("where routers refuse, a refused client gets nothing from outside, and others as with random answers", () => {
  const tested = new Tested();
  const pairs = tested.table.refusedPairs;
  assert.ok(pairs);
  let sum = 0;
  const outside = (event: AnnounceEvent = started) => {
    tested.activity.fill(0);
    if (event === started) tested.announce(9, 0, 0, event);
    sum = event === started ? 100 : sum + 100;
    tested.announce(9, sum, 0);
    const row = tested.activity.subarray(ACTIVITY_WIDTH);
    return [row[ACTIVITY.outside] / MIB, row[ACTIVITY.random] / MIB].map(Math.round);
  };
  Object.assign(tested.announcer, {
    returned: 10,
    returnedOutside: 2,
    candidates: 20,
    candidatesOutside: 10,
  });
  pairs.add(0, 4, Uint32Array.of(9), 0);
  assert.deepEqual(outside(), [20, 50], "the gate does not apply to its group");
  tested.announcer.hasGate = true;
  assert.deepEqual(outside(), [20, 50], "no router refuses");
  pairs.areEnforced = true;
  assert.deepEqual(outside(), [0, 50]);
  assert.deepEqual(outside(none), [0, 50]);
  pairs.remove(0, 4, Uint32Array.of(9), 0);
  assert.deepEqual(outside(none), [50, 50]);
  pairs.add(0, 4, Uint32Array.of(9), 0);
  assert.deepEqual(outside(none), [50, 50], "it was open at its last announce");
  assert.deepEqual(outside(none), [0, 50]);
});
