import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { writeWord } from "../model/address.ts";
import { parseAddress } from "../model/address-text.ts";
import { AnnounceRequest } from "../model/announce.ts";
import { LEARNED_RETURNED_AT } from "../model/counters.ts";
import { TrackerFixture, testSelection } from "../tracker/tracker-fixture.ts";
import { isLearned, isUnconfirmed } from "./layout/key.ts";
import { sourceOf } from "./layout/peer.ts";
import { LearnedCounts, LearnedPeers } from "./learned-peers.ts";
import { Segments } from "./segments.ts";
import { allocateSwarmStore } from "./store-memory.ts";

const SWARM = new Uint32Array(5);
const NEIGHBOR = 1;
/** The numbers of some upstream trackers. */
const [A, B, C] = [200, 201, 4000];
const UNCONFIRMED = { unconfirmed: true };

/** Peers that a tracker names, from its own block of addresses. */
function peersOf(block: number, count: number, first = 0): Uint8Array {
  const peers = new Uint8Array(6 * count);
  for (let i = 0; i < count; i++) {
    writeWord(peers, 6 * i, ((45 << 24) | (block << 16) | (first + i)) >>> 0);
    peers.set([0x1a, 0xe1], 6 * i + 4);
  }
  return peers;
}

/** A swarm with one announced peer, and learned peers. */
class Rig {
  readonly data = allocateSwarmStore(10_000, 2, [1, 2]);
  readonly fixture = new TrackerFixture({ store: this.data });
  readonly counts = new LearnedCounts();
  readonly #learned: LearnedPeers;

  constructor(limit: number, maxPeers = 100_000) {
    this.#learned = new LearnedPeers(this.fixture.store, maxPeers, this.fixture.groups, limit);
    this.fixture.announce("11.0.0.1");
  }

  learn(
    source: number,
    peers: Uint8Array,
    options: { unconfirmed?: boolean; expiresAt?: number } = {},
  ): void {
    const named = { family: 4, complete: false, source, expiresAt: 1_007_200, ...options } as const;
    this.#learned.learn(SWARM, { ...named, peers }, this.counts);
  }

  /** Learns the answer of an unconfirmed tracker. @returns whether enough of its peers are stored for its clients. */
  answer(source: number, count: number): boolean {
    const named = { infoHash: SWARM, source, unconfirmed: true, expiresAt: 1_007_200 };
    const peers = peersOf(source & 0xff, count);
    return this.#learned.learnAnswer({ ...named, peers, peers6: new Uint8Array(0) }, this.counts);
  }

  /** The number of learned peers by source. Negative sources are unconfirmed. */
  places(): Map<number, number> {
    const { store } = this.fixture;
    const shard = store.enter(SWARM);
    const cell = store.listCell(store.find(shard, SWARM), 4);
    const segments = new Segments();
    const places = new Map<number, number>();
    store.list(4).loadSegments(cell, segments);
    for (let i = 0; i < segments.count; i++) {
      if (!isLearned(segments.keys[i])) continue;
      for (let n = 0; n < segments.counts[i]; n++) {
        const source = sourceOf(store.list(4).wordBAt(cell, segments.starts[i] + n));
        const holder = isUnconfirmed(segments.keys[i]) ? -source : source;
        places.set(holder, (places.get(holder) ?? 0) + 1);
      }
    }
    store.leave(shard);
    return places;
  }

  /** The peers that a client of a tracker gets, by block: the second number of their addresses. */
  blocksFor(source: number, numWant = 200): number[] {
    const { tracker, response } = this.fixture;
    const request = new AnnounceRequest();
    request.address.copyFrom(parseAddress("12.0.0.7"));
    request.port = 6881;
    request.left = 7;
    request.numWant = numWant;
    tracker.register(request, response);
    tracker.answerForwarded(request, response, source);
    return this.fixture
      .returned(4)
      .map(({ address }) => address.split("."))
      .filter(([first]) => first === "45")
      .map(([, block]) => Number(block))
      .sort((one, other) => one - other);
  }
}

describe("the places of a swarm for learned peers", () => {
  it("belong to one tracker until others name peers, and are shared then", () => {
    const rig = new Rig(90);
    rig.learn(A, peersOf(1, 200));
    assert.deepEqual([...rig.places()], [[A, 90]]);
    rig.learn(B, peersOf(2, 200));
    assert.deepEqual([...rig.places()].sort(), [
      [A, 45],
      [B, 45],
    ]);
    rig.learn(C, peersOf(3, 200));
    assert.deepEqual(
      [...rig.places()].map(([, places]) => places),
      [30, 30, 30],
    );
    rig.learn(A, peersOf(1, 200));
    assert.deepEqual(
      [...rig.places()].map(([, places]) => places),
      [30, 30, 30],
      "nobody displaces an equal",
    );
    assert.equal(rig.counts.displaced, 75);
    assertConsistent(rig.data);
  });

  it("are kept by a tracker that has less than its share", () => {
    const rig = new Rig(90);
    rig.learn(B, peersOf(2, 10));
    for (let i = 0; i < 5; i++) rig.learn(A, peersOf(1, 200, 200 * i));
    assert.deepEqual([...rig.places()].sort(), [
      [A, 80],
      [B, 10],
    ]);
  });

  it("pass from unconfirmed trackers to all others, and never back", () => {
    const rig = new Rig(50);
    rig.learn(A, peersOf(1, 200), UNCONFIRMED);
    assert.deepEqual([...rig.places()], [[-A, 50]]);
    rig.learn(B, peersOf(2, 50));
    assert.deepEqual([...rig.places()], [[B, 50]]);
    rig.learn(A, peersOf(1, 200), UNCONFIRMED);
    assert.deepEqual([...rig.places()], [[B, 50]]);
  });

  it("are also shared among unconfirmed trackers", () => {
    const rig = new Rig(50);
    rig.learn(A, peersOf(1, 200), UNCONFIRMED);
    rig.learn(B, peersOf(2, 200), UNCONFIRMED);
    assert.deepEqual([...rig.places()].sort(), [
      [-A, 25],
      [-B, 25],
    ]);
  });

  it("are counted correctly when a tracker names another's peers", () => {
    const rig = new Rig(8);
    rig.learn(A, peersOf(1, 5), UNCONFIRMED);
    rig.learn(C, peersOf(3, 3), UNCONFIRMED);
    // A new peer, which takes a place of the first tracker; the other peers of that tracker; and one more new peer.
    rig.learn(B, Uint8Array.from([...peersOf(2, 1), ...peersOf(1, 4), ...peersOf(2, 1, 1)]));
    assert.deepEqual([...rig.places()].sort(), [
      [-C, 2],
      [B, 6],
    ]);
  });

  it("of neighbors are never taken, and neighbors have a share of the places of others", () => {
    const rig = new Rig(60);
    rig.learn(NEIGHBOR, peersOf(1, 40));
    rig.learn(A, peersOf(2, 200));
    assert.deepEqual([...rig.places()].sort(), [
      [NEIGHBOR, 40],
      [A, 20],
    ]);
    rig.learn(2, peersOf(3, 200));
    assert.deepEqual([...rig.places()].sort(), [
      [NEIGHBOR, 40],
      [2, 10],
      [A, 10],
    ]);
    rig.learn(B, peersOf(4, 200), UNCONFIRMED);
    assert.equal(rig.places().get(-B), undefined);
  });

  it("never exceed the maximum, and only trackers with more places than others lose any", () => {
    const operation = fc.record({
      source: fc.constantFrom(NEIGHBOR, A, B, C),
      unconfirmed: fc.boolean(),
      first: fc.nat({ max: 60 }),
      count: fc.integer({ min: 1, max: 80 }),
      shared: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.array(operation, { maxLength: 25 }),
        (limit, operations) => {
          const rig = new Rig(limit);
          for (const { source, first, count, shared, ...named } of operations) {
            const unconfirmed = named.unconfirmed && source !== NEIGHBOR;
            const before = rig.places();
            rig.learn(source, peersOf(shared ? 0 : source & 0xff, count, first), { unconfirmed });
            const after = rig.places();
            const own = unconfirmed ? -source : source;
            const total = [...after.values()].reduce((sum, places) => sum + places, 0);
            assert.ok(total <= limit);
            if (shared) continue;
            for (const [holder, places] of before) {
              const kept = after.get(holder) ?? 0;
              if (holder === own || kept >= places) continue;
              assert.notEqual(holder, NEIGHBOR, "a neighbor's");
              const yields = holder < 0 && !unconfirmed;
              assert.ok(yields || kept >= (after.get(own) ?? 0) - 1, `${holder} keeps ${kept} of ${places}`);
              assert.ok(
                yields || !(holder > 0 && unconfirmed),
                "a confirmed tracker's for an unconfirmed one",
              );
            }
          }
          assertConsistent(rig.data);
        },
      ),
      { numRuns: caseCount(60, 150) },
    );
  });

  it("of the store are not all taken by unconfirmed trackers, nor by upstream trackers", () => {
    // There is room for 200 learned peers in two shards, so for 100 in this one.
    const rig = new Rig(1000, 400);
    rig.learn(A, peersOf(1, 200), UNCONFIRMED);
    rig.learn(B, peersOf(2, 200));
    rig.learn(NEIGHBOR, peersOf(3, 200));
    assert.deepEqual(
      [...rig.places()].sort((a, b) => a[0] - b[0]),
      [
        [-A, 50],
        [NEIGHBOR, 25],
        [B, 25],
      ],
    );
  });
});

describe("unconfirmed peers", () => {
  it("are returned only to clients of the tracker that named them", () => {
    const rig = new Rig(200);
    rig.learn(A, peersOf(1, 20), UNCONFIRMED);
    rig.learn(B, peersOf(2, 20), UNCONFIRMED);
    rig.learn(C, peersOf(3, 20));
    assert.deepEqual(rig.blocksFor(A), [...Array(20).fill(1), ...Array(20).fill(3)]);
    assert.deepEqual(rig.blocksFor(C), Array(20).fill(3));
    assert.deepEqual(rig.blocksFor(0), Array(20).fill(3));
    assert.equal(rig.fixture.counters[LEARNED_RETURNED_AT], 80, "counted as upstream trackers'");
    rig.blocksFor(A);
    rig.fixture.announce("11.0.0.2", { numWant: 200 });
    assert.equal(rig.fixture.returned(4).filter(({ address }) => address.startsWith("45.")).length, 20);
  });

  it("are reported as stored only if the tracker's clients get enough of them", () => {
    const rig = new Rig(100);
    assert.ok(rig.answer(A, 200), "it has all there are");
    for (let i = 1; i < 4; i++) assert.ok(rig.answer(A + i, 200));
    assert.equal(rig.places().get(-A - 3), 25);
    for (let i = 4; i < 8; i++) assert.ok(!rig.answer(A + i, 200), "too many share");
    assert.ok(rig.answer(A + 9, 9), "it has all of its own");
    rig.learn(C, peersOf(100, 200));
    assert.ok(!rig.answer(A + 9, 9), "there is no place for it");
  });

  it("are returned after all others, if there is room", () => {
    const rig = new Rig(200);
    rig.learn(A, peersOf(1, 20), UNCONFIRMED);
    rig.learn(C, peersOf(3, 20));
    // One more peer has announced.
    assert.deepEqual(rig.blocksFor(A, 26), [...Array(5).fill(1), ...Array(20).fill(3)]);
    assert.deepEqual(rig.blocksFor(A, 21), Array(20).fill(3));
    assert.deepEqual(rig.blocksFor(A, 0), []);
  });

  it("follow the selection policy", () => {
    const rig = new Rig(200);
    const { tracker } = rig.fixture;
    tracker.policy = { ...tracker.policy, selection: testSelection({ policy: "bridged" }) };
    for (let i = 2; i < 8; i++) rig.fixture.announce(`11.0.0.${i}`, { left: i === 2 ? 0 : 9 });
    rig.learn(A, peersOf(1, 20), UNCONFIRMED);
    assert.deepEqual(rig.blocksFor(A), [], "its home has whom to fetch from");
  });

  it("are returned to everybody while the tracker is confirmed", () => {
    const rig = new Rig(200);
    rig.learn(A, peersOf(1, 5), UNCONFIRMED);
    assert.deepEqual(rig.blocksFor(C), []);
    rig.learn(A, peersOf(1, 5));
    assert.deepEqual(rig.blocksFor(C), Array(5).fill(1));
    rig.learn(A, peersOf(1, 5), UNCONFIRMED);
    assert.equal(rig.places().get(A), 5, "those that are known stay until their time has come");
  });

  it("cannot hide peers that others named, nor prolong their time", () => {
    const rig = new Rig(200);
    rig.learn(C, peersOf(1, 5), { expiresAt: 1_000_600 });
    rig.learn(A, peersOf(1, 5), UNCONFIRMED);
    assert.deepEqual([...rig.places()], [[C, 5]]);
    assert.deepEqual(rig.blocksFor(0), Array(5).fill(1));
    rig.learn(B, peersOf(1, 5), UNCONFIRMED);
    rig.learn(B, peersOf(2, 5), UNCONFIRMED);
    rig.learn(A, peersOf(2, 5), UNCONFIRMED);
    assert.deepEqual(
      rig.blocksFor(A),
      [...Array(5).fill(1), ...Array(5).fill(2)],
      "the last to name them has them",
    );
  });

  it("are not counted for other clients, even if learned peers are counted", () => {
    const rig = new Rig(200);
    const { tracker, response } = rig.fixture;
    tracker.policy = { ...tracker.policy, settings: { ...tracker.policy.settings, countLearned: true } };
    rig.learn(A, peersOf(1, 20), UNCONFIRMED);
    rig.learn(C, peersOf(3, 5));
    assert.deepEqual(rig.fixture.scrape(), [0, 6, 0]);
    rig.fixture.announce("11.0.0.1");
    assert.equal(response.incomplete, 6);
  });

  it("become announced peers when they announce", () => {
    const rig = new Rig(200);
    rig.learn(A, peersOf(1, 1), UNCONFIRMED);
    rig.fixture.announce("45.1.0.0");
    assert.equal(rig.places().size, 0);
    assert.deepEqual(rig.blocksFor(0), [1]);
    assert.equal(rig.fixture.isBridge("45.1.0.0"), false);
  });
});
