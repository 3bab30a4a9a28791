/**
 * Scenarios with clients as people have them, for the gate. Outside peers announce to the public tracker alone, and are
 * some way off: what a client learns from there, and its connections to there, come later than the answer of a tracker
 * in its own network.
 */
import { type Crew, type GateTargets, type NetworkPlan, type Scenario, USUAL_CLIENTS } from "./scenario.ts";
import { EACH_A_HOME, FIRST, home, SEEDER, THE_OTHERS, threeHomes } from "./scenario-parts.ts";

/** Milliseconds from an outside network to the core. */
const DELAY_MS = 20;

/** To be reached with encryption, where copies and times without a gate leave room. */
const TARGETS: GateTargets = { copies: 1.15, share: 0.6, median: 0.75, slowest: 0.9 };
/** Where bridges or seeders fail, nobody is to finish later than without a gate. */
const SAFE: GateTargets = { ...TARGETS, median: 1.05, slowest: 1.05 };

function outside(...crews: readonly Crew[]): NetworkPlan {
  return { name: "outside", crews, delayMs: DELAY_MS, publicOnly: true };
}

const FLASH_CROWD = {
  networks: [...threeHomes({ clients: 8 }), outside(SEEDER)],
  megabytes: 16,
  clients: USUAL_CLIENTS,
  btrt: EACH_A_HOME,
} as const;

/**
 * A quarter of the lab's speed: aria2 and rtorrent choose the peers that they send to every ten seconds at most. With
 * announces every three seconds, most downloads would have received nothing between two of them.
 */
const SLOWER = {
  megabytes: 32,
  limitSeconds: 180,
  clients: { ...USUAL_CLIENTS, reannounceSeconds: 12 },
  btrt: {
    ...EACH_A_HOME,
    tracker: { interval: 72, min_interval: 36, peer_expiry: 240 },
    selection: { ...EACH_A_HOME.selection, stall_seconds: 24 },
  },
} as const;

/** Two hundred clients at the lab's speed would need more than two processors. */
const SLOW_ARRIVAL = { arrive: [0, 32], upload: 750 } as const;

const ONE_HOME = {
  networks: [home("home", { clients: 10 }), outside(SEEDER, { clients: 15 })],
  megabytes: 16,
  clients: USUAL_CLIENTS,
} as const;

/** Scenarios that are run with `bridged-gate` as well. */
export const GATE_SCENARIOS: readonly Scenario[] = [
  {
    name: "gate-plain",
    about:
      "Three homes; eight usual clients in each, without encryption, arrive within a second; one seeder outside",
    ...FLASH_CROWD,
    clients: { ...USUAL_CLIENTS, encryption: "disabled" },
    gate: { copies: 1.15, median: 0.75, slowest: 0.9 },
  },
  {
    name: "gate-crowd",
    about: "Three homes; eight usual clients in each arrive within a second; one seeder outside",
    ...FLASH_CROWD,
    gate: { copies: 1.35, median: 0.75, slowest: 0.9 },
  },
  {
    name: "gate-dht",
    about: "The same with a distributed hash table",
    ...FLASH_CROWD,
    clients: { ...USUAL_CLIENTS, dht: true },
    gate: { copies: 1.35, median: 0.75, slowest: 0.9 },
  },
  {
    name: "gate-mixed",
    about: "The same with libtorrent, aria2 and rtorrent, a larger file, and announces a quarter as often",
    ...FLASH_CROWD,
    networks: [
      ...threeHomes({ clients: 4 }, { clients: 2, kind: "aria2" }, { clients: 2, kind: "rtorrent" }),
      outside(SEEDER),
    ],
    ...SLOWER,
    gate: TARGETS,
  },
  {
    name: "gate-outside",
    about: "One home of ten; a seeder and fifteen others outside",
    ...ONE_HOME,
    gate: TARGETS,
  },
  {
    name: "gate-staggered",
    about:
      "An operator and its partner, one home, both with the gate; clients there and outside arrive one after the other",
    networks: [
      home("operator", { clients: 10, arrive: [0, 20] }),
      { ...home("partner", { clients: 6, arrive: [0, 20] }), priority: 1, peersWith: "operator" },
      outside({ ...SEEDER, clients: 2 }, { clients: 16, arrive: [0, 20] }),
    ],
    megabytes: 16,
    clients: USUAL_CLIENTS,
    btrt: { gate: { groups: ["operator", "partner"] } },
    gate: TARGETS,
  },
  {
    name: "gate-slow-bridges",
    about: "The first two clients at home send at a tenth of the others' rate; sixteen outside",
    ...ONE_HOME,
    networks: [
      home("home", { ...FIRST, upload: 300 }, { ...THE_OTHERS, clients: 10 }),
      outside(SEEDER, { clients: 15 }),
    ],
    gate: SAFE,
  },
  {
    name: "gate-vanishing-bridges",
    about: "The first two clients at home are killed when they have 30 % of the file; sixteen outside",
    ...ONE_HOME,
    networks: [
      home("home", { ...FIRST, killAt: 0.3 }, { ...THE_OTHERS, clients: 10 }),
      outside(SEEDER, { clients: 15 }),
    ],
    gate: SAFE,
  },
  {
    name: "gate-leaving-seeders",
    about: "Two seeders at home leave before anybody there has the file; sixteen outside",
    networks: [
      home("home", { ...SEEDER, clients: 2, leaveAt: 3 }, { clients: 10 }),
      outside(SEEDER, { clients: 15 }),
    ],
    megabytes: 24,
    clients: USUAL_CLIENTS,
    gate: SAFE,
  },
  {
    name: "gate-second-unknown",
    about:
      "One home of ten, sixteen outside; everybody has a second torrent, of which only the public tracker is told",
    ...ONE_HOME,
    second: { megabytes: 2, known: "unknown" },
    gate: TARGETS,
  },
  {
    name: "gate-second-excluded",
    about: "One home of ten, sixteen outside; everybody has a second torrent, which the gate's list excludes",
    ...ONE_HOME,
    second: { megabytes: 2, known: "excluded" },
    gate: TARGETS,
  },
  {
    name: "gate-forced",
    about:
      "One home of ten that insist on encryption, sixteen outside; a second torrent, of which only the public tracker is told",
    ...ONE_HOME,
    clients: { ...USUAL_CLIENTS, encryption: "forced" },
    second: { megabytes: 2, known: "unknown" },
    gate: { copies: Number.POSITIVE_INFINITY, median: 1.05, slowest: 1.05 },
  },
  {
    name: "gate-100",
    about: "Half of gate-200, for machines that have no time for that",
    networks: [
      ...threeHomes({ clients: 30, ...SLOW_ARRIVAL }).map((network) => ({ ...network, uplinkMbit: 9.375 })),
      outside({ ...SEEDER, upload: 750 }, { clients: 9, ...SLOW_ARRIVAL }),
    ],
    ...SLOWER,
    megabytes: 4,
    gate: TARGETS,
  },
  {
    name: "gate-200",
    about: "Three homes of sixty, eighteen others and two seeders outside, at a quarter of the lab's speed",
    networks: [
      ...threeHomes({ clients: 60, ...SLOW_ARRIVAL }).map((network) => ({ ...network, uplinkMbit: 18.75 })),
      outside({ ...SEEDER, clients: 2, upload: 750 }, { clients: 18, ...SLOW_ARRIVAL }),
    ],
    ...SLOWER,
    megabytes: 4,
    gate: TARGETS,
  },
];
