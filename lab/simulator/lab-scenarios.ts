/** The lab's scenarios as the simulator plays them: by them it is held to what real clients did. */
import { ARRIVE, CLIENTS, homesOf, LIMIT_SECONDS, type Scenario, UPLOAD } from "../scenario.ts";
import { fractions } from "../statistics.ts";
import { type ClientModel, ORDINARY_PEER, type PeerPlan, type SwarmPlan } from "./plan.ts";
import {
  DEFAULT_SELECTION,
  DEFAULT_SETTINGS,
  type PolicyName,
  type TrackerPlan,
} from "./simulated-tracker.ts";

/** The lab's clients: libtorrent's slots, choosing and announcing as often as the lab makes them. */
const LAB_CLIENTS: ClientModel = {
  stepSeconds: 0.25,
  rechokeSeconds: 1,
  slots: 4,
  connections: CLIENTS.connections,
  leastInterval: 1,
  mostInterval: CLIENTS.reannounceSeconds,
  publicTracker: false,
  separate: false,
};
/** The lab's clients live for seconds, not for hours. */
const LAB_TIMES = { ...DEFAULT_SETTINGS, interval: 18, minInterval: 9, peerExpiry: 60 } as const;
const LAB_STALL_SECONDS = 6;

/** A scenario's swarm. What the simulator knows nothing of (peer exchange, encryption) is left out. */
export function planOfScenario(scenario: Scenario, repetition: number): SwarmPlan {
  const random = fractions(`${scenario.name} ${repetition}`);
  const homes = homesOf(scenario);
  const networks = scenario.networks.map(({ name, priority, uplinkMbit }) => {
    const home = homes.findIndex((names) => names.includes(name));
    return {
      priority: priority ?? null,
      home: home === -1 ? null : home,
      uplink: uplinkMbit === undefined ? Number.POSITIVE_INFINITY : (uplinkMbit * 1e6) / 8,
    };
  });
  const peers = scenario.networks.flatMap(({ crews, publicOnly = false }, network) =>
    crews.flatMap((crew) =>
      Array.from({ length: crew.clients }, (): PeerPlan => {
        const [from, to] = crew.seed ? [0, 0] : (crew.arrive ?? ARRIVE);
        return {
          ...ORDINARY_PEER,
          network,
          publicOnly,
          arrives: from + (to - from) * random(),
          seed: crew.seed ?? false,
          upload: (crew.upload ?? UPLOAD) * 1000,
          download: crew.download === undefined ? Number.POSITIVE_INFINITY : crew.download * 1000,
          leavesAt: crew.leaveAt ?? Number.POSITIVE_INFINITY,
          vanishesAt: crew.killAt ?? 2,
          silent: crew.killAt !== undefined,
        };
      }),
    ),
  );
  const { publicTracker, connections, reannounceSeconds } = { ...CLIENTS, ...scenario.clients };
  const mostInterval = reannounceSeconds === 0 ? Number.POSITIVE_INFINITY : reannounceSeconds;
  const clients = { ...LAB_CLIENTS, publicTracker, connections, mostInterval };
  return { bytes: scenario.megabytes * 1e6, networks, peers, clients, until: LIMIT_SECONDS };
}

/** The tracker as the lab sets it. */
export function trackerOfScenario(
  scenario: Scenario,
  policy: PolicyName,
  tried: Partial<TrackerPlan["selection"]>,
): TrackerPlan {
  const { home, strangers } = scenario.btrt?.selection ?? {};
  const { interval } = scenario.btrt?.tracker ?? {};
  return {
    policy,
    settings: { ...LAB_TIMES, ...(typeof interval === "number" ? { interval } : {}) },
    selection: {
      ...DEFAULT_SELECTION,
      stallSeconds: LAB_STALL_SECONDS,
      ...(home === "group" || home === "tier" ? { home } : {}),
      ...(strangers === "outside_first" ? { strangers } : {}),
      ...tried,
    },
  };
}
