/** The decisions of `bridged`, compared with a plain reference that looks at every peer. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import { buildPeerGroups, PeerGroups } from "../network/peer-groups.ts";
import { allocateHeap, Heap } from "../store/heap.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import {
  duplicateKey,
  flippedMark,
  groupOf,
  isComplete,
  isDuplicate,
  isLearned,
  isMarked,
  isProven,
  isUnconfirmed,
  learnedKey,
  makeKey,
  packPort,
} from "../store/layout/key.ts";
import { leftOf, packLeecher } from "../store/layout/peer.ts";
import { PeerList } from "../store/peer-list.ts";
import { ageOf, paceOf } from "../store/peer-record.ts";
import { Segments } from "../store/segments.ts";
import { BridgedPolicy } from "./bridged.ts";
import { areSeedsEnough, BRIDGED_LIMITS, bridgeLease } from "./home-census.ts";
import { homeOf } from "./homes.ts";
import type { FamilyPeers } from "./policy.ts";
import { Requester } from "./requester.ts";

const SETTINGS = { strangers: "nearest", stallSeconds: 600, patience: 1.1 } as const;
const NOW = 5000;
const ALL = 0xffff;

/** Three groups in two tiers: ids 1, 2 and 3. */
const GROUPS = new PeerGroups(
  buildPeerGroups(
    [0, 0, 1].map((priority, i) => ({
      name: `${i}`,
      priority,
      prefixes: [],
      reachableFrom: i === 1 ? ["0"] : [],
    })),
  ),
);

/** A peer's key and word B. */
interface Peer {
  readonly key: number;
  readonly state: number;
}

/** A list that counts how many records are looked at. */
class CountingList extends PeerList {
  looked = 0;

  override addRecent(...[cell, from, to, skip, out]: Parameters<PeerList["addRecent"]>): void {
    this.looked += to - from;
    super.addRecent(cell, from, to, skip, out);
  }
}

/** Peers of one family in a list. The first of `peers` is the requester's record, if it has one. */
class Swarm implements FamilyPeers {
  readonly list: CountingList;
  readonly cell: number;
  readonly segments = new Segments();
  readonly requester: number;

  constructor(peers: readonly Peer[], holdsRequester: boolean) {
    const heap = new Heap(allocateHeap((2 + Math.ceil(peers.length / 500)) * 8192, 1), 1);
    this.list = new CountingList(heap, 4, new KeyedHash(1, 2));
    this.cell = heap.takeChunk(0) * 8192;
    for (const [i, { key, state }] of peers.entries())
      assert.notEqual(
        this.list.insert(0, this.cell, Uint32Array.of(i + 1, packPort(1000, key), state), 0),
        -1,
      );
    this.list.loadSegments(this.cell, this.segments);
    this.requester = holdsRequester ? this.list.find(this.cell, Uint32Array.of(1, 0, 0, 0), 1000) : -1;
  }
}

const NO_PEERS = new Swarm([], false);

/** What follows for the requester from all other peers of the swarm. */
function decide(others: readonly Peer[], who: Requester, home: "group" | "groups" | "tier") {
  const { stallSeconds, patience } = SETTINGS;
  const { bridges: bridgesWanted, homePeersEnough } = BRIDGED_LIMITS;
  const ownHome = homeOf(home, GROUPS, who.group);
  const atHome = others.filter(
    ({ key }) => !isDuplicate(key) && !isUnconfirmed(key) && homeOf(home, GROUPS, groupOf(key)) === ownHome,
  );
  const leechers = atHome.filter(({ key }) => !isComplete(key));
  const announced = leechers.filter(({ key }) => !isLearned(key)).length;
  const seeds = atHome.filter(({ key }) => isComplete(key) && (isProven(key) || isLearned(key))).length;
  const bridges = atHome.filter(
    ({ key, state }) => isMarked(key) && ageOf(state, NOW) <= bridgeLease(stallSeconds),
  );
  const ofTier = bridges.filter(({ key }) => GROUPS.tierOf[groupOf(key)] === GROUPS.tierOf[who.group]);
  const leastLeft = seeds > 0 ? 0 : Math.min(LEFT_MAX, ...bridges.map(({ state }) => leftOf(state)));
  const pace = paceOf(who.before, NOW, who.left);
  const isBehind =
    who.before !== 0 &&
    who.left > leastLeft &&
    leftBytes(who.left) - leftBytes(leastLeft) > pace * stallSeconds;
  const isEnough = areSeedsEnough(seeds, announced, BRIDGED_LIMITS);
  const needsBridge = (): boolean => {
    if (who.seeder || who.stalled) return false;
    if (who.isDuplicate) return who.marked;
    if (!isEnough && ofTier.length < bridgesWanted) return true;
    if (bridges.length >= bridgesWanted + Math.floor(announced / 4)) return false;
    return (who.marked && !isEnough) || isBehind;
  };
  const missing = (): number => {
    const senders = seeds + leechers.length / 2;
    const supply = (2.5e6 * Math.max(0, senders - Math.sqrt(senders))) / (leechers.length + 1);
    const hasPace = who.before !== 0 && ageOf(who.before, NOW) >= stallSeconds / 8;
    const intervals = leftBytes(who.left) / 6.25e6 / (stallSeconds / 2);
    const demand = 0.7e6 / (patience - 1) / Math.min(Math.max(intervals, 0.25), 3.5);
    return Math.max(0, Math.ceil((demand - (hasPace ? pace : supply)) / 1.875e6));
  };
  const marked = needsBridge();
  const outsideMax = (): number => {
    if (who.seeder) return leechers.length < homePeersEnough ? ALL : 0;
    if (who.stalled) return ALL;
    if (seeds > 0 && announced < 4) return missing();
    if (marked) return ALL;
    if (seeds + bridges.length === 0 && leechers.length < homePeersEnough) return ALL;
    return announced < 4 && isBehind ? missing() : 0;
  };
  return { marked, outsideMax: outsideMax() };
}

const left = fc.oneof(fc.integer({ min: 1, max: LEFT_MAX }), fc.integer({ min: 600, max: 700 }));
const state = fc
  .record({ age: fc.integer({ min: 0, max: 600 }), left })
  .map(({ age, left }) => packLeecher(NOW - age, 0, left, 0));

/** Mostly downloads of the first group, because bridges are of interest. */
const peer = fc
  .record({
    state,
    group: fc.constantFrom(1, 1, 1, 2, 3, 0),
    kind: fc.constantFrom(
      "download",
      "download",
      "bridge",
      "bridge",
      "copy",
      "proven",
      "learned",
      "duplicate",
    ),
  })
  .map(({ state, group, kind }): Peer => {
    const key = makeKey(group, kind === "copy" || kind === "proven", false);
    const keys: Record<string, number> = {
      bridge: flippedMark(key),
      proven: flippedMark(key),
      learned: learnedKey(key, false),
      duplicate: duplicateKey(flippedMark(key)),
    };
    return { key: keys[kind] ?? key, state };
  });

const requester = fc.record({
  group: fc.constantFrom(1, 2, 3),
  before: fc.oneof(fc.constant(0), state),
  left,
  seeder: fc.constantFrom(false, false, false, true),
  stalled: fc.constantFrom(false, false, false, true),
  isDuplicate: fc.constantFrom(false, false, false, true),
  marked: fc.boolean(),
  isStored: fc.boolean(),
});

describe("home census", () => {
  test("the role of a requester is that of a plain reference", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(peer, { maxLength: 32 }),
        requester,
        fc.constantFrom("group", "groups", "tier"),
        fc.boolean(),
        (others, fields, home, isOnlyBridges) => {
          const { isStored, ...rest } = fields;
          const who = Object.assign(new Requester(), rest);
          if (who.seeder) who.left = 0;
          // Complete copies at home would make bridges unneeded in nearly all cases.
          const present = isOnlyBridges ? others.filter(({ key }) => !isComplete(key)) : others;
          const own = { key: makeKey(who.group, who.seeder, false), state: who.before };
          const swarm = new Swarm(isStored ? [own, ...present] : present, isStored);
          who.position4 = swarm.requester;
          const expected = decide(present, who, home);
          const policy = new BridgedPolicy({ ...SETTINGS, home });
          policy.assignRole(swarm, NO_PEERS, GROUPS, who, NOW);
          const isJudged = isStored || who.seeder;
          assert.equal(who.marked, expected.marked);
          assert.equal(who.outsideMax, isJudged ? expected.outsideMax : ALL);
          seen.add(`${expected.marked} ${Math.min(expected.outsideMax, 2)}`);
        },
      ),
      { numRuns: caseCount(3000, 20_000) },
    );
    assert.ok(seen.size >= 4, `the cases differ: ${[...seen]}`);
  });

  test("of many bridges only some are looked at, and the others are estimated", () => {
    const live = packLeecher(NOW, 0, 650, 0);
    const silent = packLeecher(NOW - 500, 0, 600, 0);
    const key = makeKey(1, false, false);
    const downloads = Array.from({ length: 1000 }, (): Peer => ({ key, state: live }));
    const policy = new BridgedPolicy({ ...SETTINGS, home: "groups" });
    for (const [bridges, mayBecome] of [
      [500, true],
      [2000, false],
    ] as const) {
      const marked = Array.from(
        { length: bridges },
        (_, i): Peer => ({ key: flippedMark(key), state: i % 2 === 0 ? live : silent }),
      );
      // Half of the bridges are silent.
      assert.equal(bridges / 2 < 1 + Math.floor((1000 + bridges) / 4), mayBecome);
      const swarm = new Swarm([{ key, state: silent }, ...downloads, ...marked], true);
      for (let i = 0; i < 100; i++) {
        const who = Object.assign(new Requester(), { group: 1, left: 1200, position4: swarm.requester });
        who.before = packLeecher(NOW - 300, 0, 1200, 0);
        policy.assignRole(swarm, NO_PEERS, GROUPS, who, NOW);
        assert.equal(who.marked, mayBecome);
      }
      assert.equal(swarm.list.looked, 100 * 32);
    }
  });
});
