/** A thread that announces random peers to a shared store, and sweeps it, until it is asked to end or is killed. */

import { workerData } from "node:worker_threads";
import { writeWord } from "../src/model/address.ts";
import { AnnounceRequest, AnnounceResponse, COMPACT_BYTES } from "../src/model/announce.ts";
import { allocateCounters } from "../src/model/counters.ts";
import { Random } from "../src/model/random.ts";
import { BridgedPolicy } from "../src/selection/bridged.ts";
import { BRIDGED_LIMITS } from "../src/selection/home-census.ts";
import { allocateActivity } from "../src/store/group-activity.ts";
import { LearnedCounts, LearnedPeers } from "../src/store/learned-peers.ts";
import { holderOf } from "../src/store/shard-lock.ts";
import type { SwarmStoreData } from "../src/store/store-memory.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";
import { AccessList, buildAccessList } from "../src/tracker/access-list.ts";
import { allocateCensus } from "../src/tracker/census.ts";
import { NO_POLLS } from "../src/tracker/polls.ts";
import { Sweeper } from "../src/tracker/sweeper.ts";
import { Tracker } from "../src/tracker/tracker.ts";
import { groupsOf } from "../src/tracker/tracker-fixture.ts";

/** The options of a hammer. */
export interface HammerOptions {
  readonly store: SwarmStoreData;
  readonly worker: number;
  readonly workers: number;
  readonly seed: number;
  /**
   * Word 0: not 0 if the threads must end. Word 1: the announces of all threads. From word 2 on: those of each worker.
   */
  readonly shared: Int32Array<SharedArrayBuffer>;
}

const SWARMS = 300;
/**
 * The largest swarm has this many peers times the square of a number below 8, so that lists of all sizes grow and
 * shrink.
 */
const PEERS = 12;
const EXPIRY_SECONDS = 60;

/** Two sets of peer groups for the same addresses. */
const GROUPS = [
  groupsOf([
    { name: "a", priority: 0, prefixes: ["10.0.0.0/9", "2001:db8::/33"], reachableFrom: ["b"] },
    { name: "b", priority: 1, prefixes: ["10.128.0.0/9", "2001:db8:8000::/33"], reachableFrom: ["a"] },
  ]),
  groupsOf([{ name: "a", priority: 0, prefixes: ["10.64.0.0/10", "2001:db8:4000::/34"] }]),
];

const { store: data, worker, workers, seed, shared }: HammerOptions = workerData;
const random = new Random([seed, worker, 3, 4]);
const clock = { seconds: 1_000_000 };
const counters = allocateCounters();
const store = new SwarmStore(data, holderOf(worker));
const policy = {
  settings: { interval: 1800, minInterval: 900, numWant: 50, numWantMax: 200, countLearned: false },
  selection: new BridgedPolicy(
    { home: "groups", strangers: "nearest", stallSeconds: 5, patience: 1.1 },
    { ...BRIDGED_LIMITS, bridges: 2 },
  ),
  // Copies count at once, and no group is inside: downloads here stall all the time, which would empty the hash list.
  copies: { minDwell: 0, tiers: 0 },
  groups: GROUPS[0],
  accessList: new AccessList(buildAccessList("off", new Uint32Array(0))),
  polls: NO_POLLS,
  refreshSeconds: 0,
  refreshWaitMs: 0,
} as const;
const tracker = new Tracker({ store, policy, random, clock, counters, activity: allocateActivity() });
const sweeper = new Sweeper({
  store,
  groups: GROUPS[0],
  peerExpiry: EXPIRY_SECONDS,
  counters,
  census: allocateCensus(),
  worker,
  workers,
});
const request = new AnnounceRequest();
const response = new AnnounceResponse();

const learned = new LearnedPeers(store, data.maxPeers, GROUPS[0], 40);

/** Learned peers, some of which announce later. */
function learn(): void {
  const swarm = random.below(SWARMS);
  const family = random.below(2) === 0 ? 4 : 6;
  const peers = new Uint8Array(30 * COMPACT_BYTES[family]);
  for (let at = 0; at < peers.length; at += COMPACT_BYTES[family]) {
    const peer = random.below(1 + PEERS * (swarm & 7) ** 2);
    const words = family === 4 ? [0x0a000000 + (peer << 13)] : [0x20010db8, peer << 20, 0, 1];
    for (const [i, word] of words.entries()) writeWord(peers, at + 4 * i, word);
    peers[at + 4 * words.length + 1] = 1 + random.below(2);
  }
  const expiresAt = clock.seconds + random.below(EXPIRY_SECONDS);
  learned.learn(
    Uint32Array.of(swarm, 0, 0, 0, 0),
    { family, peers, complete: false, source: 1, expiresAt },
    new LearnedCounts(),
  );
}

function announce(): void {
  const swarm = random.below(SWARMS);
  const peer = random.below(1 + PEERS * (swarm & 7) ** 2);
  request.infoHash[0] = swarm;
  if (random.below(3) === 0) request.address.setIPv6(0x20010db8, peer << 20, 0, 1);
  else request.address.setIPv4(0x0a000000 + (peer << 13));
  request.port = 1 + random.below(2);
  request.left = random.below(4);
  request.event = ([0, 0, 0, 1, 2, 3, 4] as const)[random.below(7)];
  tracker.announce(request, response);
}

for (let i = 0; Atomics.load(shared, 0) === 0; i++) {
  announce();
  if (i % 10 === 0) learn();
  Atomics.add(shared, 1, 1);
  Atomics.add(shared, 2 + worker, 1);
  // The clocks of workers differ by a tick.
  clock.seconds = 1_000_000 + Math.floor(Atomics.load(shared, 1) / 2000) + (worker & 1);
  if (i % 50 === 0) sweeper.step(clock.seconds, 100);
  if (i % 20_000 !== 0) continue;
  const groups = GROUPS[random.below(2)];
  tracker.policy = { ...policy, groups };
  sweeper.reclassify(groups);
}
