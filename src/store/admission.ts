/**
 * Decides whether a new peer is stored, so that no client takes the store from others:
 *
 * - A household (household.ts) may have `tracker.max_peers_per_address` peers in a swarm, or the maximum of its
 *   group, and {@link allowanceFor} times as many in all swarms.
 * - The last quarter of `max_peers` is reserved for members of peer groups.
 */
import { COUNTER } from "../model/counters.ts";
import { NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";
import { KEY_GROUP } from "./peer-record.ts";

/** The part of `max_peers` that only members of peer groups can take, where there are groups. */
export const MEMBERS_SHARE = 0.25;

/** What becomes of a newcomer. */
export const ADMITTED = 0;
export const REFUSED_FULL = 1;
export const REFUSED_ADDRESS = 2;

/** What came of it. */
export interface AdmissionOutcome {
  /** Why it was refused, if it was: the tracker is full, or its household has as many peers as it may have. */
  readonly refused: typeof ADMITTED | typeof REFUSED_FULL | typeof REFUSED_ADDRESS;
  /** Another peer of its household made room for it. */
  readonly displaced: boolean;
}

/** Ages are known up to this (peer-record.ts): no peer is so late. */
const NEVER_OVERDUE = 0xffff;

/**
 * A peer is overdue when it has not announced for this many times the interval, which is spread by a tenth: its client
 * is gone, in all likelihood, and has not said so.
 */
const OVERDUE_INTERVALS = 1.2;

/** A household with the limit 16 has a hundredth of a full tracker, but at least 256 peers and at most 10,240. */
const ALLOWANCE_PART = 1 / 1600;
const ALLOWANCE_LEAST = 16;
const ALLOWANCE_MOST = 640;

/** How many times as many peers a household may have in all swarms as in one. */
export function allowanceFor(maxPeers: number): number {
  return Math.min(ALLOWANCE_MOST, Math.max(ALLOWANCE_LEAST, maxPeers * ALLOWANCE_PART));
}

/** By what newcomers are admitted. Mutable, used again: a peer that is known costs no more than these three words. */
export class Admission {
  groups: PeerGroups | undefined;
  /** Of the store. */
  maxPeers = 0;
  /** Seconds between announces; 0: no peer is so late that it makes room. */
  interval = 0;
  /** One peer has made room for the newcomer under way: it may have the last place. */
  isSwap = false;

  set(groups: PeerGroups, maxPeers: number, interval: number): void {
    this.groups = groups;
    this.maxPeers = maxPeers;
    this.interval = interval;
  }

  /** Peers that the household of a newcomer with this key may have in one swarm. */
  limitFor(key: number): number {
    return this.groups === undefined ? Number.POSITIVE_INFINITY : this.groups.addressLimitOf[key & KEY_GROUP];
  }

  /** There is room for a newcomer with this key while the tracker has fewer peers than this. */
  roomFor(key: number): number {
    if (this.groups === undefined || this.isSwap) return this.maxPeers;
    return roomFor(this.groups, key & KEY_GROUP, this.maxPeers);
  }

  /** A peer of its household makes room that has not announced for longer. Seconds. */
  get overdueSeconds(): number {
    return this.interval === 0 ? NEVER_OVERDUE : this.interval * OVERDUE_INTERVALS;
  }
}

/** The number of peers from which the tracker is full for a newcomer of this group. */
export function roomFor({ tierCount }: PeerGroups, group: number, maxPeers: number): number {
  return group === NO_GROUP && tierCount > 1 ? maxPeers * (1 - MEMBERS_SHARE) : maxPeers;
}

/** Counts a newcomer that was refused, and a peer of its household that made room. @param counters by model/counters.ts. */
export function countAdmission({ refused, displaced }: AdmissionOutcome, counters: Float64Array): void {
  if (refused === REFUSED_FULL) counters[COUNTER.peersRefused]++;
  else if (refused === REFUSED_ADDRESS) counters[COUNTER.addressPeersRefused]++;
  if (displaced) counters[COUNTER.peersDisplaced]++;
}
