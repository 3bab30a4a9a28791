/**
 * Decides whether a new peer is stored. The limits keep one client from filling the store:
 *
 * - A household (household.ts) may have `tracker.max_peers_per_address` peers in one swarm, or the maximum of its
 *   group. In all swarms it may have {@link allowanceFor} times as many.
 * - The last quarter of `max_peers` is reserved for members of peer groups.
 */
import { COUNTER } from "../model/counters.ts";
import { NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";
import { groupOf } from "./layout/key.ts";

/** The part of `max_peers` that is reserved for members of peer groups, if there are groups. */
export const MEMBERS_SHARE = 0.25;

/** The possible outcomes for a new peer. */
export const ADMITTED = 0;
export const REFUSED_FULL = 1;
export const REFUSED_ADDRESS = 2;

/** The outcome for a new peer. */
export interface AdmissionOutcome {
  /** Whether it was refused, and why: the tracker is full, or its household has reached its limit. */
  readonly refused: typeof ADMITTED | typeof REFUSED_FULL | typeof REFUSED_ADDRESS;
  /** Whether another peer of its household was removed to make room. */
  readonly displaced: boolean;
}

/** The largest age that a record can hold (store/layout/key.ts). No peer is that late. */
const NEVER_OVERDUE = 0xffff;

/**
 * A peer is overdue if it has not announced for this many intervals. Intervals vary by a tenth. Its client has most
 * likely ended without an announce.
 */
const OVERDUE_INTERVALS = 1.2;

/** With the limit 16, a household may have a hundredth of `max_peers`, but at least 256 and at most 10,240 peers. */
const ALLOWANCE_PART = 1 / 1600;
const ALLOWANCE_LEAST = 16;
const ALLOWANCE_MOST = 640;

/** The limit of a household in all swarms is this many times its limit in one swarm. */
export function allowanceFor(maxPeers: number): number {
  return Math.min(ALLOWANCE_MOST, Math.max(ALLOWANCE_LEAST, maxPeers * ALLOWANCE_PART));
}

/** The limits for new peers. Mutable, reused: setting these three fields is the only cost for a known peer. */
export class Admission {
  groups: PeerGroups | undefined;
  /** The maximum of peers in the store. */
  maxPeers = 0;
  /** Seconds between announces; 0: overdue peers are not removed. */
  interval = 0;
  /** Whether a peer was removed to make room for the current one, which may then take the last place. */
  isSwap = false;

  set(groups: PeerGroups, maxPeers: number, interval: number): void {
    this.groups = groups;
    this.maxPeers = maxPeers;
    this.interval = interval;
  }

  /** The limit in one swarm for the household of a new peer with this key. */
  limitFor(key: number): number {
    return this.groups === undefined ? Number.POSITIVE_INFINITY : this.groups.addressLimitOf[groupOf(key)];
  }

  /** A new peer with this key is accepted while the tracker has fewer peers than this. */
  roomFor(key: number): number {
    if (this.groups === undefined || this.isSwap) return this.maxPeers;
    return roomFor(this.groups, groupOf(key), this.maxPeers);
  }

  /** Seconds without an announce after which a peer may be removed to make room for another of its household. */
  get overdueSeconds(): number {
    return this.interval === 0 ? NEVER_OVERDUE : this.interval * OVERDUE_INTERVALS;
  }
}

/** With this many peers, the tracker is full for new peers of the group. */
export function roomFor({ tierCount }: PeerGroups, group: number, maxPeers: number): number {
  return group === NO_GROUP && tierCount > 1 ? maxPeers * (1 - MEMBERS_SHARE) : maxPeers;
}

/** Counts a refused peer, and a peer that was removed to make room. @param counters by model/counters.ts. */
export function countAdmission({ refused, displaced }: AdmissionOutcome, counters: Float64Array): void {
  if (refused === REFUSED_FULL) counters[COUNTER.peersRefused]++;
  else if (refused === REFUSED_ADDRESS) counters[COUNTER.addressPeersRefused]++;
  if (displaced) counters[COUNTER.peersDisplaced]++;
}
