/** What must hold in every simulated swarm: that the simulator can be believed, and that the tracker is safe. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { leastEntered } from "./bound.ts";
import { type NetworkPlan, ORDINARY_CLIENTS, ORDINARY_PEER, type PeerPlan, type SwarmPlan } from "./plan.ts";
import { reportPolicies } from "./report.ts";
import { DEFAULT_SELECTION, DEFAULT_SETTINGS, POLICIES, type TrackerPlan } from "./simulated-tracker.ts";
import { type SwarmResult, simulate } from "./swarm.ts";

const NETWORKS: readonly NetworkPlan[] = [
  { priority: 0, home: 0, uplink: Number.POSITIVE_INFINITY },
  { priority: 0, home: 1, uplink: 5e6 },
  { priority: 5, home: 1, uplink: Number.POSITIVE_INFINITY },
  { priority: null, home: null, uplink: Number.POSITIVE_INFINITY },
];
/** A complete copy that everybody can reach, and that stays. */
const SEEDER: PeerPlan = { ...ORDINARY_PEER, seed: true };
/** Seconds in which everybody comes, and after which nobody who stayed may be without the file. */
const ARRIVALS = 3000;
const UNTIL = 12 * 3600;
const MEGABYTE = 1e6;

const peers: fc.Arbitrary<PeerPlan> = fc.record({
  network: fc.nat(NETWORKS.length - 1),
  arrives: fc.nat(ARRIVALS),
  seed: fc.constantFrom(false, false, false, true),
  upload: fc.constantFrom(5e4, 5e5, 5e6),
  download: fc.constantFrom(1e6, Number.POSITIVE_INFINITY),
  reachable: fc.boolean(),
  ipv6: fc.boolean(),
  hybrid: fc.boolean(),
  publicOnly: fc.constant(false),
  staysSeconds: fc.constantFrom(0, 1000, Number.POSITIVE_INFINITY),
  leavesAt: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 2000, 4000),
  vanishesAt: fc.constantFrom(2, 2, 0.3),
  silent: fc.boolean(),
});

const plans: fc.Arbitrary<SwarmPlan> = fc
  .record({
    seeder: fc.nat(NETWORKS.length - 1),
    others: fc.array(peers, { maxLength: 30 }),
    megabytes: fc.integer({ min: 1, max: 300 }),
  })
  .map(({ seeder, others, megabytes }) => ({
    bytes: megabytes * MEGABYTE,
    networks: NETWORKS,
    peers: [{ ...SEEDER, network: seeder }, ...others],
    clients: ORDINARY_CLIENTS,
    until: UNTIL,
  }));

const trackers: fc.Arbitrary<TrackerPlan> = fc.record({
  policy: fc.constantFrom(...POLICIES),
  settings: fc.constant(DEFAULT_SETTINGS),
  selection: fc.record({
    home: fc.constantFrom("groups" as const, "tier" as const, "group" as const),
    strangers: fc.constantFrom("nearest" as const, "outside_first" as const),
    homePeersEnough: fc.nat(6),
    bridges: fc.nat(5),
    homeSeedsEnough: fc.nat(5),
    stallSeconds: fc.integer({ min: 5, max: 1800 }),
    patience: fc.constantFrom(1.01, 1.1, 2, 10),
  }),
});

/** Whether a client comes to get the file and neither gives up nor vanishes before it has it. */
function isPatient({ seed, leavesAt, vanishesAt }: PeerPlan): boolean {
  return !seed && leavesAt === Number.POSITIVE_INFINITY && vanishesAt > 1;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}

test("with a complete copy that stays in reach, whoever stays has the file in the end", () => {
  fc.assert(
    fc.property(plans, trackers, fc.nat(), (plan, tracker, seed) => {
      const result = simulate(plan, tracker, seed);
      assert.equal(result.unfinished, 0);
      const size = result.fileBytes;
      for (const [i, peer] of plan.peers.entries())
        if (isPatient(peer)) assert.equal(result.bytesReceived[i], size, `peer ${i}`);
    }),
    { numRuns: 150 },
  );
});

test("that can fail: a home that is never given outside peers does not finish", () => {
  const selection = { ...DEFAULT_SELECTION, homePeersEnough: 0, bridges: 0, stallSeconds: UNTIL };
  const tracker = { policy: "bridged", selection, settings: DEFAULT_SETTINGS } as const;
  const leecher = { ...ORDINARY_PEER, reachable: false };
  const peers = [{ ...SEEDER, network: 3 }, leecher, leecher];
  const plan = { bytes: 1e6, networks: NETWORKS, peers, clients: ORDINARY_CLIENTS, until: UNTIL / 2 };
  assert.equal(simulate(plan, tracker, 1).unfinished, 2);
});

test("nobody is given itself or more than it may have; bytes that are sent are received, and counted once", () => {
  fc.assert(
    fc.property(plans, trackers, fc.nat(), (plan, tracker, seed) => {
      const { homes, bytesReceived, bytesSent, fileBytes, selfReturned, overfull } = simulate(
        plan,
        tracker,
        seed,
      );
      assert.equal(selfReturned, 0);
      assert.equal(overfull, 0);
      assert.equal(sum(bytesSent), sum(bytesReceived));
      assert.ok(bytesReceived.every((bytes) => bytes <= fileBytes));
      for (const [home, { downloaded, entered, left }] of homes.entries()) {
        const isHere = (_: number, peer: number) => NETWORKS[plan.peers[peer].network].home === home;
        assert.equal(downloaded, sum(bytesReceived.filter(isHere)));
        assert.equal(downloaded - entered, sum(bytesSent.filter(isHere)) - left, "inside, from both ends");
      }
    }),
    { numRuns: 100 },
  );
});

test("a policy that knows no networks does the same wherever the peers are", () => {
  const anywhere = NETWORKS.map((network) => ({ ...network, uplink: Number.POSITIVE_INFINITY }));
  const tracker = { policy: "random", selection: DEFAULT_SELECTION, settings: DEFAULT_SETTINGS } as const;
  const moved = (plan: SwarmPlan, by: number): SwarmPlan => ({
    ...plan,
    networks: anywhere,
    peers: plan.peers.map((peer) => ({ ...peer, network: (peer.network + by) % anywhere.length })),
  });
  const traffic = ({ bytesReceived, bytesSent }: SwarmResult) => ({ bytesReceived, bytesSent });
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: NETWORKS.length - 1 }), fc.nat(), (plan, by, seed) => {
      const here = simulate(moved(plan, 0), tracker, seed);
      assert.deepEqual(traffic(simulate(moved(plan, by), tracker, seed)), traffic(here));
    }),
    { numRuns: 50 },
  );
});

test("the least that can enter: one copy when all at home wait for one outside, none when home has all", () => {
  const arrivals = Array.from({ length: 12 }, (): PeerPlan => ({ ...ORDINARY_PEER, network: 0 }));
  const tracker = { policy: "bridged", selection: DEFAULT_SELECTION, settings: DEFAULT_SETTINGS } as const;
  const enter = (seeder: number) => {
    const peers = [{ ...SEEDER, network: seeder }, ...arrivals];
    const plan = { bytes: 100e6, networks: NETWORKS, peers, clients: ORDINARY_CLIENTS, until: UNTIL };
    const result = simulate(plan, tracker, 1);
    return result.homes[0].entered / result.fileBytes;
  };
  assert.ok(enter(3) >= 1 && enter(3) < 6, `${enter(3)} copies`);
  assert.equal(enter(0), 0);
});

test("no run is below the bound of its own completion times; more patience never raises the bound", () => {
  fc.assert(
    fc.property(plans, trackers, fc.nat(), (plan, tracker, seed) => {
      const result = simulate(plan, tracker, seed);
      for (const [home, { entered }] of result.homes.entries()) {
        const least = [1, 1.1, 2, Number.POSITIVE_INFINITY].map((patience) =>
          leastEntered(plan, result.clients[home], patience),
        );
        const rounding = 1 + entered * 1e-6;
        assert.ok(least[0] <= entered + rounding, `home ${home}: ${entered} entered, bound ${least[0]}`);
        for (let i = 1; i < least.length; i++) assert.ok(least[i] <= least[i - 1] + rounding);
      }
    }),
    { numRuns: 150 },
  );
});

test("the bound is exact where it can be computed by hand", () => {
  const plan = (peers: Partial<PeerPlan>[]): SwarmPlan => ({
    bytes: 100e6,
    networks: NETWORKS,
    peers: peers.map((peer) => ({ ...ORDINARY_PEER, download: 10e6, ...peer })),
    clients: { ...ORDINARY_CLIENTS, stepSeconds: 0 },
    until: UNTIL,
  });
  const tenSeconds = (peer: number) => ({ peer, completedAt: 10, received: 100e6 });
  const seeded = { peer: 0, completedAt: Number.POSITIVE_INFINITY, received: 0 };
  const leecher = { staysSeconds: 0, upload: 0 };
  // A seeder at home sends 1 MB/s: 10 of 100 MB in 10 s, 11 of 100 MB in 11 s.
  const one = plan([{ seed: true }, leecher]);
  assert.equal(leastEntered(one, [seeded, tenSeconds(1)], 1), 90e6);
  assert.ok(Math.abs(leastEntered(one, [seeded, tenSeconds(1)], 1.1) - 89e6) < 10);
  // Two clients that cannot be connected to exchange nothing.
  const apart = plan([
    { seed: true, reachable: false },
    { ...leecher, reachable: false },
  ]);
  assert.equal(leastEntered(apart, [seeded, tenSeconds(1)], 1), 100e6);
  // Without a copy at home, one must enter.
  const none = plan([{ upload: 10e6 }, { upload: 10e6 }]);
  assert.equal(leastEntered(none, [tenSeconds(0), tenSeconds(1)], 1), 100e6);
});

test("the same seed gives the same report, another seed another", () => {
  const options = {
    seed: 1,
    effort: 0.02,
    sizes: [0.5, 8, 32],
    selection: {},
    publicTracker: false,
    rush: false,
  };
  const report = reportPolicies(options);
  assert.equal(reportPolicies(options), report);
  assert.notEqual(reportPolicies({ ...options, seed: 2 }), report);
});
