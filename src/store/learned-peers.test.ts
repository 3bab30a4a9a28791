import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { assertConsistent } from "../../test/support/store-consistency.ts";
import { parseAddress } from "../model/address-text.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { COUNTER, LEARNED_RETURNED_AT } from "../model/counters.ts";
import { parsePrefix } from "../network/prefix.ts";
import { buildPrefixTable } from "../network/prefix-table.ts";
import { allocateCensus, CENSUS, peersAt } from "../tracker/census.ts";
import { Polls } from "../tracker/polls.ts";
import { groupsOf, type TestGroup, TrackerFixture } from "../tracker/tracker-fixture.ts";
import { isForgotten, packLearned, renewedState, SOURCES, sourceOf } from "./layout/peer.ts";
import { LearnedCounts, LearnedPeers, type LearnResult, type NamedPeers } from "./learned-peers.ts";
import { allocateSwarmStore } from "./store-memory.ts";
import { STORED_HEADER_BYTES, writeStoredPeers } from "./stored-peers.ts";

const SWARM = new Uint32Array(5);
const MAX_PEERS = 100_000;

/** Learns peers and counts the outcomes. */
class Learner {
  readonly peers: LearnedPeers;
  readonly counts = new LearnedCounts();

  constructor(fixture: TrackerFixture, swarmLimit = 1000, maxPeers = MAX_PEERS) {
    this.peers = new LearnedPeers(fixture.store, maxPeers, fixture.groups, swarmLimit);
  }

  learn(infoHash: Uint32Array, named: NamedPeers): LearnResult {
    return this.peers.learn(infoHash, named, this.counts);
  }
}

function compact(addresses: string[], port = 6881): Uint8Array {
  return Uint8Array.from(
    addresses.flatMap((text) => {
      const { family, words } = parseAddress(text);
      const bytes = [...words.subarray(0, family === 4 ? 1 : 4)].flatMap((word) => [
        word >>> 24,
        (word >>> 16) & 255,
        (word >>> 8) & 255,
        word & 255,
      ]);
      return [...bytes, port >> 8, port & 255];
    }),
  );
}

function pollsFrom(prefix: string): Polls {
  const addresses = buildPrefixTable([{ prefix: parsePrefix(prefix).prefix, value: 1 }]);
  return new Polls({ addresses, peerIds: new Uint32Array(0) });
}

/** Learns peers of swarm 0, all of one family. */
function learn(
  learner: Learner,
  addresses: string[],
  named: { port?: number; complete?: boolean; source?: number; expiresAt?: number } = {},
): LearnResult {
  return learner.learn(SWARM, {
    family: addresses[0].includes(":") ? 6 : 4,
    peers: compact(addresses, named.port),
    complete: named.complete ?? false,
    source: named.source ?? 1,
    expiresAt: named.expiresAt ?? 1_007_200,
  });
}

function sweep(fixture: TrackerFixture, groups = fixture.groups, census = allocateCensus()): Uint32Array {
  const sweeper = fixture.makeSweeper(census);
  if (groups !== fixture.groups) sweeper.reclassify(groups);
  while (!sweeper.step(fixture.clock.seconds, 1000)) {}
  return census;
}

describe("learned peers", () => {
  test("are returned by their groups, and are not counted", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    fixture.announce("11.0.0.1");
    assert.equal(learn(learner, ["13.0.0.1", "11.0.0.2"]), "learned");
    assert.equal(learn(learner, ["2001:db8:13::1"]), "learned");
    fixture.announce("11.0.0.1", { left: 50 });
    assert.deepEqual(fixture.returned(4), [
      { address: "11.0.0.2", port: 6881 },
      { address: "13.0.0.1", port: 6881 },
    ]);
    assert.deepEqual(fixture.returned(6), [{ address: "2001:db8:13::1", port: 6881 }]);
    assert.deepEqual([fixture.response.complete, fixture.response.incomplete], [0, 1]);
    assert.deepEqual(fixture.scrape(), [0, 1, 0]);
    assert.equal(fixture.counters[LEARNED_RETURNED_AT + 1], 3);
    const census = sweep(fixture);
    assert.deepEqual([census[CENSUS.swarms], census[CENSUS.sizes]], [1, 1]);
    assert.equal(census[peersAt(4, false, 3)], 0);
  });

  test("are counted as incomplete if the operator configures it, but not for other trackers", () => {
    const fixture = new TrackerFixture({ polls: pollsFrom("13.0.0.9/32") });
    const { tracker } = fixture;
    tracker.policy = { ...tracker.policy, settings: { ...tracker.policy.settings, countLearned: true } };
    fixture.announce("11.0.0.1", { left: 0 });
    learn(new Learner(fixture), ["13.0.0.1", "11.0.0.2"]);
    assert.deepEqual(fixture.scrape(), [1, 2, 0]);
    fixture.announce("11.0.0.3");
    assert.deepEqual([fixture.response.complete, fixture.response.incomplete], [1, 3]);
    fixture.announce("13.0.0.9");
    assert.deepEqual([fixture.response.complete, fixture.response.incomplete], [1, 1]);
    assert.deepEqual(fixture.scrape(), [1, 3, 0]);
  });

  test("are not stored without a swarm, and are removed with its last announced peer", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    assert.equal(learn(learner, ["13.0.0.1"]), "absent");
    assert.equal(fixture.store.swarmCount, 0);
    fixture.announce("11.0.0.1");
    const many = Array.from({ length: 300 }, (_, i) => `13.0.${i >> 8}.${i & 255}`);
    learn(learner, many);
    learn(learner, ["2001:db8:13::1"]);
    assert.equal(fixture.store.peerCount, 302);
    fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.stopped });
    assert.deepEqual([fixture.store.peerCount, fixture.store.swarmCount], [0, 0]);
  });

  test("become announced peers when they announce; announced peers do not become learned ones", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    fixture.announce("11.0.0.1");
    learn(learner, ["11.0.0.2"], { complete: true });
    assert.deepEqual(fixture.scrape(), [0, 1, 0]);
    fixture.announce("11.0.0.2", { left: 0 });
    assert.deepEqual(fixture.scrape(), [1, 1, 0]);
    learn(learner, ["11.0.0.2", "11.0.0.1"]);
    assert.deepEqual(fixture.scrape(), [1, 1, 0]);
    assert.equal(learner.counts.announced, 2);
    fixture.clock.seconds += 10_000;
    sweep(fixture);
    assert.equal(fixture.store.swarmCount, 0);
  });

  test("that are complete are not returned to seeders, and count as copies at home", () => {
    const fixture = new TrackerFixture({ selection: { policy: "bridged" } });
    const learner = new Learner(fixture);
    fixture.announce("99.0.0.1");
    fixture.announce("11.0.0.1", { left: 0 });
    const copies = Array.from({ length: 20 }, (_, i) => `13.0.0.${i + 1}`);
    learn(learner, copies, { complete: true });
    fixture.announce("11.0.0.1", { left: 0, uploaded: 1 });
    assert.ok(!fixture.returnedAll().some((peer) => peer.startsWith("13.")));
    fixture.announce("11.0.0.2");
    assert.equal(fixture.isBridge("11.0.0.2"), false);
    assert.ok(!fixture.returnedAll().includes("99.0.0.1 6881"), "complete copies are at home");
  });

  test("of a group are at home, and are no bridges", () => {
    const fixture = new TrackerFixture({ selection: { policy: "bridged", bridges: 1 } });
    const learner = new Learner(fixture);
    fixture.announce("99.0.0.1");
    fixture.announce("11.0.0.1");
    learn(learner, ["13.0.0.1", "13.0.0.2", "13.0.0.3"]);
    assert.ok(fixture.isBridge("11.0.0.1"));
    fixture.announce("11.0.0.2");
    assert.ok(!fixture.isBridge("11.0.0.2"));
    assert.deepEqual(
      new Set(fixture.returned(4).map(({ address }) => address)),
      new Set(["11.0.0.1", "13.0.0.1", "13.0.0.2", "13.0.0.3"]),
    );
  });

  test("have a maximum in a swarm and in the store", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture, 3, 20);
    fixture.announce("11.0.0.1");
    learn(learner, ["13.0.0.1", "13.0.0.2", "13.0.0.3", "13.0.0.4", "13.0.0.5"]);
    assert.deepEqual([learner.counts.added, learner.counts.refused], [3, 2]);
    learner.peers.swarmLimit = 1000;
    learn(learner, ["13.0.0.4", "13.0.0.5", "13.0.0.6"]);
    // Half of 20 peers, divided by two shards.
    assert.deepEqual([learner.counts.added, learner.counts.refused], [5, 3]);
    learn(learner, ["13.0.0.1"]);
    assert.equal(learner.counts.renewed, 1);
  });

  test("with port 0, or an address that no peer can have, are not stored", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    fixture.announce("11.0.0.1");
    learn(learner, ["0.0.0.0", "224.0.0.1", "255.255.255.255"]);
    learn(learner, ["::", "ff02::1"]);
    const mapped = Uint8Array.of(...Array(10).fill(0), 255, 255, 13, 0, 0, 1, 0x1a, 0xe1);
    learner.learn(SWARM, { family: 6, peers: mapped, complete: false, source: 1, expiresAt: 1_007_200 });
    for (const port of [0, 1]) learn(learner, ["13.0.0.1"], { port });
    assert.deepEqual([learner.counts.added, learner.counts.unusable], [0, 8]);
  });

  test("expire unless they are named again", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    fixture.announce("11.0.0.1");
    const start = fixture.clock.seconds;
    learn(learner, ["13.0.0.1", "13.0.0.2"], { expiresAt: start + 7200 });
    learn(learner, ["13.0.0.2"], { expiresAt: start + 9000 });
    learn(learner, ["13.0.0.2"], { expiresAt: start + 600, source: 2 });
    const left = (seconds: number) => {
      fixture.clock.seconds = start + seconds;
      fixture.announce("11.0.0.1", { event: ANNOUNCE_EVENT.none });
      sweep(fixture);
      return fixture.store.peerCount - 1;
    };
    assert.deepEqual([left(3000), left(7196), left(7204), left(8996), left(9004)], [2, 2, 1, 1, 0]);
    assert.equal(fixture.counters[COUNTER.peersExpired], 0);
  });

  test("get their new groups after a reload; private ones must be learned again", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    fixture.announce("11.0.0.1");
    learn(learner, ["13.0.0.1", "10.2.0.7"]);
    const moved: TestGroup[] = [{ name: "partner", priority: 5, prefixes: ["11.0.0.0/8", "10.2.0.0/16"] }];
    sweep(fixture, groupsOf(moved));
    assert.deepEqual(
      new Map(fixture.peers().map(({ address, group }) => [address, group])),
      new Map([
        ["11.0.0.1", 1],
        ["13.0.0.1", 0],
      ]),
    );
  });

  test("are not stored in the database", () => {
    const fixture = new TrackerFixture();
    const { store } = fixture;
    fixture.announce("11.0.0.1");
    learn(new Learner(fixture), ["11.0.0.2", "13.0.0.1"]);
    const shard = store.enter(SWARM);
    const cell = store.listCell(store.find(shard, SWARM), 4);
    const out = new Uint8Array(1000);
    const end = writeStoredPeers(
      store,
      { cell, family: 4, from: 0, to: 3 },
      fixture.clock.seconds,
      out,
      STORED_HEADER_BYTES,
    );
    store.leave(shard);
    assert.equal(end, STORED_HEADER_BYTES + 10);
  });

  test("a swarm whose shard is locked is not taken for one that is gone", () => {
    const fixture = new TrackerFixture();
    const learner = new Learner(fixture);
    const named = { family: 4, complete: false, source: 1, expiresAt: 1_007_200 } as const;
    const learn = () => learner.learn(SWARM, { ...named, peers: compact(["99.0.0.1"]) });
    assert.equal(learn(), "absent");
    assert.equal(learner.peers.isAnnounced(SWARM), false);
    fixture.announce("11.0.0.1");
    const shard = fixture.store.enter(SWARM);
    assert.equal(learn(), "locked");
    assert.equal(learner.peers.isAnnounced(SWARM), true);
    fixture.store.leave(shard);
    assert.equal(learn(), "learned");
    assert.equal(learner.counts.added, 1);
  });

  test("the store stays consistent and counts like a simple model", () => {
    const operation = fc.record({
      kind: fc.constantFrom("announce", "complete", "stop", "learn", "learn"),
      swarm: fc.nat({ max: 3 }),
      host: fc.integer({ min: 1, max: 60 }),
      ipv6: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 1000, size: "max" }), (operations) => {
        const data = allocateSwarmStore(10_000, 2, [1, 2]);
        const fixture = new TrackerFixture({ store: data });
        const learner = new Learner(fixture);
        const swarms = Array.from(
          { length: 4 },
          () => new Map<string, "incomplete" | "complete" | "learned">(),
        );
        for (const { kind, swarm, host, ipv6 } of operations) {
          const address = ipv6 ? `2001:db8:11::${host.toString(16)}` : `11.0.0.${host}`;
          const model = swarms[swarm];
          if (kind === "learn") {
            const hash = Uint32Array.of(swarm, 0, 0, 0, 0);
            const family = ipv6 ? 6 : 4;
            const named = { family, complete: host > 50, source: 1, expiresAt: 1_007_200 } as const;
            const result = learner.learn(hash, { ...named, peers: compact([address]) });
            assert.equal(result, model.size > 0 ? "learned" : "absent");
            if (model.size > 0 && !model.has(address)) model.set(address, "learned");
            continue;
          }
          const left = kind === "complete" ? 0 : 7;
          const event = kind === "stop" ? ANNOUNCE_EVENT.stopped : ANNOUNCE_EVENT.none;
          fixture.announce(address, { swarm, left, event });
          if (kind === "stop") model.delete(address);
          else model.set(address, kind === "complete" ? "complete" : "incomplete");
          if ([...model.values()].every((peer) => peer === "learned")) model.clear();
        }
        for (const [swarm, model] of swarms.entries()) {
          const count = (wanted: string) => [...model.values()].filter((kind) => kind === wanted).length;
          assert.deepEqual(fixture.scrape(swarm).slice(0, 2), [count("complete"), count("incomplete")]);
        }
        const peers = swarms.reduce((sum, { size }) => sum + size, 0);
        assert.equal(fixture.store.peerCount, peers);
        assertConsistent(data);
      }),
      { numRuns: 40 },
    );
  });
});

test("word B of a learned peer holds its source and when it expires", () => {
  const now = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(fc.nat({ max: SOURCES - 1 }), now, fc.nat({ max: 604_800 }), (source, at, later) => {
      const word = packLearned(source, at + later);
      assert.equal(sourceOf(word), source);
      assert.equal(isForgotten(word, at), later < 4 && Math.floor(at / 4) === Math.floor((at + later) / 4));
      assert.ok(isForgotten(word, at + later));
      const other = packLearned(3, at);
      assert.equal(renewedState(word, other), word, "named anew, for longer");
      const longer = renewedState(other, word);
      assert.equal(sourceOf(longer), 3, "named anew by another, for less long");
      assert.ok(isForgotten(longer, at + later));
      assert.equal(isForgotten(longer, at), isForgotten(word, at));
    }),
  );
});
