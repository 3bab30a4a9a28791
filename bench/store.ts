/**
 * Announces by size of the swarm and of the tracker, in one process, without any network: `node bench/store.ts`.
 * Prints CPU time per announce (a mix of mostly re-announces), and the longest single one.
 */
import { AnnounceRequest, AnnounceResponse } from "../src/model/announce.ts";
import { allocateCounters } from "../src/model/counters.ts";
import { Random } from "../src/model/random.ts";
import { buildPeerGroups } from "../src/network/peer-groups.ts";
import { parsePrefix } from "../src/network/prefix.ts";
import { allocateActivity } from "../src/store/group-activity.ts";
import { allocateSwarmStore } from "../src/store/store-memory.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";
import { Tracker } from "../src/tracker/tracker.ts";
import { makeTrackerPolicy } from "./tracker-policy.ts";

/** The selection policy, as an argument. */
const POLICY = process.argv[2] === "bridged" ? "bridged" : "nearest";
const ROUNDS = 300_000;

function makeTracker(maxPeers: number): Tracker {
  const groups = buildPeerGroups(
    ["10.0.0.0/8", "11.0.0.0/8"].map((text, priority) => ({
      name: text,
      priority,
      prefixes: [parsePrefix(text).prefix],
      reachableFrom: [],
    })),
  );
  const store = new SwarmStore(allocateSwarmStore(maxPeers, 16, [1, 2]), 1);
  return new Tracker({
    store,
    policy: makeTrackerPolicy(POLICY, groups),
    random: new Random([1, 2, 3, 4]),
    clock: { seconds: 1000 },
    counters: allocateCounters(),
    activity: allocateActivity(),
  });
}

function setPeer(request: AnnounceRequest, swarm: number, peer: number): void {
  request.infoHash[0] = Math.imul(swarm + 1, 0x9e3779b1);
  request.infoHash[1] = swarm;
  request.address.setIPv4(((10 + (peer % 3)) << 24) + peer);
  request.port = 6881;
  request.left = peer % 4 === 0 ? 0 : 100;
}

function measure(name: string, swarms: number, peersPerSwarm: number): void {
  const tracker = makeTracker(swarms * peersPerSwarm + ROUNDS);
  const request = new AnnounceRequest();
  const response = new AnnounceResponse();
  const random = new Random([5, 6, 7, 8]);
  let longest = 0;
  request.numWant = 0;
  for (let peer = 0; peer < peersPerSwarm; peer++) {
    for (let swarm = 0; swarm < swarms; swarm++) {
      setPeer(request, swarm, peer);
      const begin = performance.now();
      tracker.announce(request, response);
      longest = Math.max(longest, performance.now() - begin);
    }
  }
  request.numWant = 50;
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run++) {
    const begin = process.cpuUsage();
    for (let i = 0; i < ROUNDS; i++) {
      const joins = i % 20 === 0;
      setPeer(request, random.below(swarms), joins ? peersPerSwarm + i / 20 : random.below(peersPerSwarm));
      request.event = joins ? 1 : 0;
      tracker.announce(request, response);
      if (!joins) continue;
      request.event = 3;
      tracker.announce(request, response);
    }
    const { user, system } = process.cpuUsage(begin);
    best = Math.min(best, ((user + system) * 1000) / ROUNDS);
  }
  console.log(
    `${name.padEnd(42)} ${best.toFixed(0).padStart(6)} ns per announce, longest insertion ${longest.toFixed(2)} ms`,
  );
}

measure("1 swarm of 60", 1, 60);
measure("1,000 swarms of 10", 1_000, 10);
measure("1,000 swarms of 60", 1_000, 60);
measure("1 swarm of 1,000,000", 1, 1_000_000);
measure("100,000 swarms of 10 (1,000,000 peers)", 100_000, 10);
measure("1,000,000 swarms of 10 (10,000,000 peers)", 1_000_000, 10);
