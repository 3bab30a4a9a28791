/** The real tracker, for one simulated swarm: peers are numbers, and the time is a parameter. */

import {
  ANNOUNCE_EVENT,
  type AnnounceEvent,
  AnnounceRequest,
  AnnounceResponse,
  COMPACT_BYTES,
  coarseLeft,
} from "../../src/model/announce.ts";
import { allocateCounters } from "../../src/model/counters.ts";
import { Random } from "../../src/model/random.ts";
import {
  buildPeerGroups,
  GROUP_IDS,
  NO_GROUP,
  PeerGroups,
  type PeerGroupsData,
} from "../../src/network/peer-groups.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import { BridgedPolicy } from "../../src/selection/bridged.ts";
import { BRIDGED_LIMITS, type BridgedLimits } from "../../src/selection/home-census.ts";
import { NearestPolicy } from "../../src/selection/nearest.ts";
import type { PaceTrial } from "../../src/selection/pace-trial.ts";
import type { SelectionSettings } from "../../src/selection/policy.ts";
import { ACTIVITY, ACTIVITY_WIDTH, allocateActivity } from "../../src/store/group-activity.ts";
import { allocateSwarmStore } from "../../src/store/store-memory.ts";
import { SwarmStore } from "../../src/store/swarm-store.ts";
import { TASK } from "../../src/tasks/task-queue.ts";
import { AccessList, buildAccessList } from "../../src/tracker/access-list.ts";
import { allocateCensus } from "../../src/tracker/census.ts";
import { NO_POLLS } from "../../src/tracker/polls.ts";
import { Sweeper } from "../../src/tracker/sweeper.ts";
import { Tracker } from "../../src/tracker/tracker.ts";
import type { CopySettings, TrackerSettings } from "../../src/tracker/tracker-policy.ts";
import type { Lane, NetworkPlan, PeerPlan } from "./plan.ts";
import { SimulatedGate } from "./simulated-gate.ts";

/** The trackers that are compared. `random` is a tracker without peer groups, like public ones. */
export const POLICIES = ["random", "nearest", "bridged", "bridged-gate"] as const;
/** `bridged-gate` is `bridged` with a gate: routers refuse the connections of closed peers across the border. */
export type PolicyName = (typeof POLICIES)[number];

const NOBODY: ReadonlySet<number> = new Set();

/** Settings to try, and limits of `bridged` that operators cannot set. */
export type TriedSelection = SelectionSettings & BridgedLimits;

/** How the tracker is set. */
export interface TrackerPlan {
  readonly policy: PolicyName;
  /** What `bridged` measures and follows; none by default. */
  readonly trial?: PaceTrial;
  readonly selection: TriedSelection;
  readonly settings: TrackerSettings & { readonly peerExpiry: number };
}

/** The defaults of btrt.conf. */
export const DEFAULT_SELECTION: TriedSelection = {
  home: "groups",
  strangers: "nearest",
  ...BRIDGED_LIMITS,
  stallSeconds: 600,
  patience: 1.1,
};
const DEFAULT_COPIES: CopySettings = { minDwell: 600, tiers: 1 };
export const DEFAULT_SETTINGS = {
  interval: 1800,
  minInterval: 900,
  numWant: 50,
  numWantMax: 200,
  countLearned: false,
  peerExpiry: 3900,
} as const;

/** Time zero, so that no time is near the wrap of a counter at the start. */
const EPOCH = 1_000_000;
const PORT = 6881;
/** IPv6 addresses are 2001:db8:NETWORK::PEER. */
const IPV6_NET = 0x20010db8;
/** The first byte of the first network's addresses; a peer's number, and one, is in the other three. */
const FIRST_OCTET = 20;
/** Networks that addresses have room for: below 100.64.0.0/10, which is private. */
const NETWORKS_MAX = 80;

/** A tracker and all it needs. */
export class SimulatedTracker {
  /** The peers of the last answer that its receiver can use, by number; the first {@link count} are valid. */
  readonly told = new Int32Array(1000);
  count = 0;
  /** All addresses of the last answer. */
  given = 0;
  /** Seconds until the next announce, as the last answer has it. */
  interval = 0;
  /** Its counts for each peer group (store/group-activity.ts). */
  readonly #activity = allocateActivity();
  readonly #clock = { seconds: EPOCH };
  readonly #tracker: Tracker;
  readonly #sweeper: Sweeper;
  readonly #gate: SimulatedGate | undefined;
  readonly #request = new AnnounceRequest();
  readonly #response = new AnnounceResponse();

  constructor(plan: TrackerPlan, networks: readonly NetworkPlan[], maxPeers: number, seed: number) {
    if (networks.length > NETWORKS_MAX) throw new RangeError(`more than ${NETWORKS_MAX} networks`);
    const { policy, selection, settings } = plan;
    const isGated = policy === "bridged-gate";
    const isBridged = isGated || policy === "bridged";
    const store = new SwarmStore(allocateSwarmStore(maxPeers, 1, [1, 2], isGated), 1);
    const groupsData = groupsOf(policy === "random" ? [] : networks);
    const groups = new PeerGroups(groupsData);
    const clock = this.#clock;
    if (isGated) {
      const { interval } = settings;
      this.#gate = new SimulatedGate({ store, groups: groupsData, selection, interval, clock });
    }
    const accessList = new AccessList(buildAccessList("off", new Uint32Array(0)));
    const counters = allocateCounters();
    this.#tracker = new Tracker({
      store,
      policy: {
        settings,
        selection: isBridged
          ? new BridgedPolicy(selection, selection, plan.trial)
          : new NearestPolicy(selection),
        copies: DEFAULT_COPIES,
        groups,
        accessList,
        polls: NO_POLLS,
        refreshSeconds: 0,
        refreshWaitMs: 0,
        gatedGroups: isGated ? new Uint8Array(GROUP_IDS).fill(1, NO_GROUP + 1) : undefined,
      },
      tasks: {
        push: (kind, _token, bytes, start, end) => this.#take(kind, bytes.subarray(start, end)),
      },
      random: new Random([seed, 0x9e3779b9, 0x7f4a7c15, 1]),
      clock,
      counters,
      activity: this.#activity,
    });
    this.#sweeper = new Sweeper({
      store,
      groups,
      peerExpiry: settings.peerExpiry,
      counters,
      census: allocateCensus(),
      worker: 0,
      workers: 1,
    });
  }

  /**
   * Announces a peer, with the bytes it has received and sent; the answer is in {@link told}, {@link count} and
   * {@link interval}.
   * @param lane the address and info-hash that it announces, and `namesBoth` whether it names its other address.
   */
  announce(
    peer: number,
    { network, ipv6 }: PeerPlan,
    { lane, namesBoth }: { readonly lane: Lane; readonly namesBoth: boolean },
    left: number,
    event: AnnounceEvent,
    now: number,
    transferred: readonly [number, number],
  ): void {
    const request = this.#request;
    const response = this.#response;
    this.#clock.seconds = EPOCH + Math.floor(now);
    const address6 = lane.ipv6 ? request.address : request.otherAddress;
    if (!lane.ipv6) request.address.setIPv4((((FIRST_OCTET + network) << 24) | (peer + 1)) >>> 0);
    address6.setIPv6(IPV6_NET, (FIRST_OCTET + network) << 16, 0, peer + 1);
    request.hasOther = namesBoth;
    request.infoHash[0] = lane.secondHash ? 1 : 0;
    request.peerId.fill(peer + 1);
    request.clientKey = peer + 1;
    request.port = PORT;
    request.otherPort = PORT;
    request.left = coarseLeft(left);
    request.event = event;
    request.transferred.set([...transferred, left]);
    this.#tracker.announce(request, response);
    this.#gate?.settle();
    this.interval = response.interval;
    this.given = event === ANNOUNCE_EVENT.stopped ? 0 : response.peerCount + response.peer6Count;
    this.count = 0;
    if (this.given === 0) return;
    this.#read(response.peers, COMPACT_BYTES[4], response.peerCount);
    if (ipv6) this.#read(response.peers6, COMPACT_BYTES[6], response.peer6Count);
  }

  /** Reads peers in compact form: the last three bytes of an address are a peer's number, and one. */
  #read(compact: Uint8Array, bytes: number, count: number): void {
    for (let end = bytes; end <= bytes * count; end += bytes) {
      const [high, middle, low] = compact.subarray(end - 5, end - 2);
      this.told[this.count++] = ((high << 16) | (middle << 8) | low) - 1;
    }
  }

  /** Removes peers that have not announced for too long. */
  sweep(now: number): void {
    this.#clock.seconds = EPOCH + Math.floor(now);
    while (!this.#sweeper.step(this.#clock.seconds, 1024));
    this.#gate?.settle(true);
  }

  /** Peers whose connections across the border routers have cut since the last call. */
  takeCut(): ReadonlySet<number> {
    return this.#gate?.takeCut() ?? NOBODY;
  }

  /** Whether routers refuse a peer's new connections across the border of its home. */
  isClosed(peer: number, { ipv6, hybrid }: PeerPlan): boolean {
    return this.#gate?.isClosed(peer, (ipv6 ? 2 : 1) * (hybrid ? 2 : 1)) ?? false;
  }

  /** What it estimates of clients in peer groups, from their reports: bytes that entered, and that would at random. */
  get estimate(): { readonly entered: number; readonly atRandom: number } {
    const sum = (at: number) => {
      let bytes = 0;
      for (let row = (NO_GROUP + 1) * ACTIVITY_WIDTH; row < this.#activity.length; row += ACTIVITY_WIDTH)
        bytes += this.#activity[row + at];
      return bytes;
    };
    return { entered: sum(ACTIVITY.outside), atRandom: sum(ACTIVITY.random) };
  }

  #take(kind: number, bytes: Uint8Array): boolean {
    if (kind !== TASK.gate) return false;
    this.#gate?.request(bytes);
    return true;
  }
}

function groupsOf(networks: readonly NetworkPlan[]): PeerGroupsData {
  const definitions = networks.flatMap(({ priority }, i) =>
    priority === null
      ? []
      : [
          {
            name: `network ${i}`,
            priority,
            prefixes: [`${FIRST_OCTET + i}.0.0.0/8`, `2001:db8:${(FIRST_OCTET + i).toString(16)}::/48`].map(
              (text) => parsePrefix(text).prefix,
            ),
            reachableFrom: [],
          },
        ],
  );
  return buildPeerGroups(definitions);
}
