/**
 * The policy `bridged`: it limits the outside peers that clients get. Most swarms are smaller than an answer. In these,
 * returning near peers first keeps no traffic inside, because all peers are returned.
 *
 * *A home with complete copies.* A client gets as many outside peers as make up for what the home cannot send it. The
 * first answer estimates this from the number of complete copies and of other leechers. Later answers know how fast the
 * download is. How much a download should get follows from `patience` and its duration: a short one is over before it
 * announces again, so its first answer must suffice.
 *
 * *A home without a complete copy, or with a crowd of leechers.* A few leechers are *bridges*: they get outside peers,
 * and the others get the pieces at home. Each tier of a home has its own bridges, as a partner has its own line to the
 * outside. A client becomes a bridge when it announces and a bridge is needed. It stops being one when it completes,
 * when it stalls, when it has not announced for its lease, or when there are enough complete copies at home. A client
 * that falls behind becomes an additional bridge in a crowd, and gets some outside peers otherwise.
 *
 * A client that stalls gets outside peers in any case. All clients that download at home announce often, so a client
 * that lacks pieces is noticed soon.
 *
 * A complete copy counts once it is proven (store/layout/key.ts). Until then it is returned like any peer, but does not
 * replace a bridge. A copy that was completed here is proven at once, so the first copy of a crowd counts.
 *
 * Learned peers are at home if their group is at home: the traffic to them costs the same. They count as leechers, or as
 * complete copies if the tracker that returned them says so. They are no bridges. They make no crowd and do not increase
 * the number of additional bridges, because it is unknown which peers they get and how their downloads progress.
 * Unconfirmed peers do not count, nor does the second address of a client.
 *
 * The mark of a peer (store/layout/key.ts) means that it is a bridge.
 */

import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import { NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";
import {
  groupOf,
  hasPrivateAddress,
  isComplete,
  isDuplicate,
  isLearned,
  isMarked,
  isProven,
  isUnconfirmed,
} from "../store/layout/key.ts";
import { leftOf } from "../store/layout/peer.ts";
import { ageOf, paceOf } from "../store/peer-record.ts";
import type { PaceTrial } from "./pace-trial.ts";
import { type FamilyPeers, NOT_RETURNED, type SelectionPolicy, type SelectionSettings } from "./policy.ts";
import { nearnessOf } from "./rank.ts";
import type { Requester } from "./requester.ts";

/** The lease of a bridge, in announce intervals. Intervals vary by a tenth. */
const LEASE_INTERVALS = 1.25;

/**
 * This many other leechers are a crowd. In a crowd, one complete copy is enough and no bridge is needed. For each such
 * number of leechers there can be one additional bridge, if they fall behind.
 */
const LEECHERS_PER_BRIDGE = 4;

/** How many peers a home needs. Only tests and the simulator use other numbers than {@link BRIDGED_LIMITS}. */
export interface BridgedLimits {
  /** Bridges for each swarm and each tier of a home. */
  readonly bridges: number;
  /** With this many proven copies at home, no bridge is needed. One is enough if four others download. */
  readonly homeSeedsEnough: number;
  /** A client gets outside peers if its home has fewer peers than this, and no bridge or proven copy. */
  readonly homePeersEnough: number;
}

/**
 * Measured in docs/benchmarks/2026-11-26-lab.md. Two bridges fetched up to 1.3 times as much from outside, in 1.0 to 1.2
 * times the time. With one copy instead of two, downloads in swarms of 4 to 32 took 1.7 to 3 times as long. In the
 * simulator (`--settings`), 0 to 6 peers instead of three changed the copies that enter by less than a tenth.
 */
export const BRIDGED_LIMITS: BridgedLimits = { bridges: 1, homeSeedsEnough: 2, homePeersEnough: 3 };

/**
 * The most that `selection.patience` can be. With it, the duration of downloads is not measured: no household is in the
 * control group, so all are limited.
 */
export const PATIENCE_MAX = 10;

/** No limit of outside peers. */
const ALL = 0xffff;

/** A requester that is not in the list. */
const NONE = -1;

/** Paces are counted over at least as many seconds: ages are whole seconds. */
const TIMED_SECONDS = 5;

/**
 * Rates in bytes a second, by which supply at home is compared with demand. They are assumptions about subscribers, and
 * were chosen in the simulator (docs/benchmarks/2026-11-29-selection.md).
 */
const RATES = {
  /** A typical download. */
  typical: 6.25e6,
  /** What a seeder sends on average. A leecher counts half. */
  upload: 2.5e6,
  /** What a peer outside sends on average: some cannot be connected to, and others do not send. */
  outsidePeer: 1.875e6,
  /** The demand of a download of one interval, times `patience - 1`. */
  patient: 0.7e6,
} as const;

/**
 * Limits for the duration of a download, in intervals. The demand is in inverse proportion to it: the answer to a short
 * download must be right at once. A long one announces again, and then gets what its speed shows that it lacks.
 */
const INTERVALS = { least: 0.25, most: 3.5 } as const;

/** Reasons not to return a peer outside the home: the peer is no bridge, or the requester is no bridge. */
const BORDER = NOT_RETURNED.policy;
const OUTSIDE = NOT_RETURNED.policy + 1;

/** {@link SelectionPolicy} `bridged`: the first block of ranks is home, the second is outside. */
export class BridgedPolicy implements SelectionPolicy {
  readonly settings: SelectionSettings;
  readonly blocks = 2;
  readonly #census: HomeCensus;
  /** Leechers of a home with bridges announce again after so many seconds, so that a lost bridge is noticed. */
  readonly #interval: number;
  readonly #trial: PaceTrial | undefined;
  readonly #gatedGroups: Uint8Array | undefined;

  /**
   * @param trial measures how much longer downloads take, and sets the demand; undefined: the demand is as assumed.
   * @param gatedGroups by group id: 1 where the gate is on. Members are not measured, because the peers that are returned
   * do not decide what they get.
   */
  constructor(
    settings: SelectionSettings,
    limits: BridgedLimits = BRIDGED_LIMITS,
    trial?: PaceTrial,
    gatedGroups?: Uint8Array,
  ) {
    this.settings = settings;
    this.#gatedGroups = gatedGroups;
    this.#trial = settings.patience < PATIENCE_MAX ? trial : undefined;
    this.#interval = downloadInterval(settings.stallSeconds);
    this.#census = new HomeCensus(settings, limits);
  }

  assignRole(ipv4: FamilyPeers, ipv6: FamilyPeers, groups: PeerGroups, who: Requester, now: number): void {
    who.outsideMax = ALL;
    if (who.group === NO_GROUP || who.poll) return;
    const census = this.#census;
    census.clear(this.#trial?.demand ?? 1);
    census.add(ipv4, groups, who, now);
    census.add(ipv6, groups, who, now);
    who.marked = census.needsBridge(who, now);
    // The progress of a client that is not stored is unknown, so a stall would never be detected.
    const isJudged = who.isStored || who.preview || who.seeder;
    if (isJudged) who.outsideMax = census.outsideMax(who, now);
    if (who.before !== 0 || !who.seeder) this.#observe(ipv4.requester === NONE ? ipv6 : ipv4, who, now);
    if (!who.seeder) who.interval = this.#interval;
  }

  /** Counts the pace of a download whose home has complete copies, and gives it all peers if it is in the control group. */
  #observe({ list, cell, requester }: FamilyPeers, who: Requester, now: number): void {
    const trial = this.#trial;
    if (trial === undefined || requester === NONE || !this.#census.isSupplied()) return;
    if (this.#gatedGroups !== undefined && this.#gatedGroups[who.group] !== 0) return;
    const household = list.householdAt(cell, requester);
    const isTimed = who.before !== 0 && ageOf(who.before, now) >= TIMED_SECONDS;
    if (isTimed && !who.preview) trial.count(household, paceOf(who.before, now, who.left), now);
    if (!who.seeder && trial.isControl(household, now)) who.outsideMax = ALL;
  }

  rankOf(key: number, groups: PeerGroups, who: Requester): number {
    const { home, strangers } = this.settings;
    const group = groupOf(key);
    const near = nearnessOf(key, groups, who);
    if (isHome(home, groups, who.group, group)) return near;
    if (group !== NO_GROUP && !isMarked(key) && !isComplete(key) && !who.stalled) return BORDER;
    const far = 2 * groups.tierCount;
    if (who.group !== NO_GROUP) return who.outsideMax > 0 ? far + near : OUTSIDE;
    return strangers === "outside_first" && group !== NO_GROUP ? far + near : near;
  }

  /** Half the answer is reserved for outside peers, if the requester gets them although there are enough peers at home. */
  reserve(who: Requester, wanted: number): number {
    return who.seeder ? 0 : Math.min(who.outsideMax, Math.floor(wanted / 2));
  }

  whyNot(rank: number): string {
    return rank === BORDER
      ? "of other homes, only bridges and complete copies are returned"
      : "outside the requester's home, which can send enough; the requester is no bridge and has not stalled";
  }
}

/** Whether a peer of `group` is at the home of a requester of `requesterGroup`. A client in no group has no home. */
function isHome(
  line: SelectionSettings["home"],
  groups: PeerGroups,
  requesterGroup: number,
  group: number,
): boolean {
  if (group === NO_GROUP || requesterGroup === NO_GROUP) return false;
  return homeOf(line, groups, group) === homeOf(line, groups, requesterGroup);
}

/** The number of the home of a group: from 1, or 0 for {@link NO_GROUP}. */
export function homeOf(
  line: SelectionSettings["home"],
  { tierOf }: Pick<PeerGroups, "tierOf">,
  group: number,
): number {
  if (group === NO_GROUP) return 0;
  if (line === "groups") return 1;
  return line === "group" ? group : 1 + tierOf[group];
}

/** Seconds between announces of a client that downloads at home. A stall spans two of them. */
function downloadInterval(stallSeconds: number): number {
  return Math.floor(stallSeconds / 2);
}

/** Seconds after its last announce until a bridge counts no more. */
export function bridgeLease(stallSeconds: number): number {
  return LEASE_INTERVALS * downloadInterval(stallSeconds);
}

/**
 * Whether so many proven copies need no bridge beside them.
 * @param leechers who have announced themselves, besides the requester.
 */
export function areSeedsEnough(seeds: number, leechers: number, { homeSeedsEnough }: BridgedLimits): boolean {
  return seeds >= homeSeedsEnough || (seeds > 0 && leechers >= LEECHERS_PER_BRIDGE);
}

/** Counts the peers of a swarm at the requester's home, without the requester, and decides what the home needs. */
class HomeCensus {
  readonly #settings: SelectionSettings;
  readonly #limits: BridgedLimits;
  /** Seconds without an announce after which a bridge no longer counts. */
  readonly #lease: number;
  /** Seconds between announces of a client that downloads. */
  readonly #interval: number;
  /** Bytes a second that a download of one interval should get. */
  readonly #demand: number;
  #demandFactor = 1;
  #leechers = 0;
  /** The leechers that are not learned. */
  #announced = 0;
  #seeds = 0;
  #bridges = 0;
  /** The bridges of the requester's tier. */
  #tierBridges = 0;
  /** The fewest bytes that a bridge or a complete copy has left, encoded by coarseLeft. */
  #leastLeft = LEFT_MAX;

  constructor(settings: SelectionSettings, limits: BridgedLimits) {
    this.#settings = settings;
    this.#limits = limits;
    this.#lease = bridgeLease(settings.stallSeconds);
    this.#interval = downloadInterval(settings.stallSeconds);
    this.#demand = RATES.patient / (settings.patience - 1);
  }

  /** Sets all counts to 0. @param demand the factor by which all demand is multiplied. */
  clear(demand: number): void {
    this.#demandFactor = demand;
    this.#leechers = 0;
    this.#announced = 0;
    this.#seeds = 0;
    this.#bridges = 0;
    this.#tierBridges = 0;
    this.#leastLeft = LEFT_MAX;
  }

  /** Adds the peers of one family at home that may be returned to the requester. */
  add(peers: FamilyPeers, groups: PeerGroups, who: Requester, now: number): void {
    const { list, cell, segments, requester } = peers;
    const { home } = this.#settings;
    const lease = this.#lease;
    let leechers = 0;
    let learned = 0;
    let seeds = 0;
    for (let i = 0; i < segments.count; i++) {
      const key = segments.keys[i];
      if (isDuplicate(key) || isUnconfirmed(key)) continue;
      const group = groupOf(key);
      if (!isHome(home, groups, who.group, group)) continue;
      if (hasPrivateAddress(key) && !groups.reaches(group, who.group)) continue;
      const others = segments.counts[i] - (segments.holds(i, requester) ? 1 : 0);
      if (!isComplete(key)) {
        leechers += others;
        if (isLearned(key)) learned += others;
      } else if (isProven(key) || isLearned(key)) seeds += others;
      if (!isMarked(key)) continue;
      const end = segments.starts[i] + segments.counts[i];
      for (let position = segments.starts[i]; position < end; position++) {
        const state = list.wordBAt(cell, position);
        if (position === requester || ageOf(state, now) > lease) continue;
        this.#bridges++;
        if (groups.tierOf[group] === groups.tierOf[who.group]) this.#tierBridges++;
        this.#leastLeft = Math.min(this.#leastLeft, leftOf(state));
      }
    }
    this.#leechers += leechers;
    this.#announced += leechers - learned;
    this.#seeds += seeds;
    if (seeds > 0) this.#leastLeft = 0;
  }

  /** Whether the requester becomes or stays a bridge: its home needs one, and its download makes progress. */
  needsBridge(who: Requester, now: number): boolean {
    if (who.seeder || who.stalled) return false;
    // It was decided when its other record announced, which counts.
    if (who.isDuplicate) return who.marked;
    const { bridges } = this.#limits;
    const seedsEnough = areSeedsEnough(this.#seeds, this.#announced, this.#limits);
    if (!seedsEnough && this.#tierBridges < bridges) return true;
    if (this.#bridges >= bridges + Math.floor(this.#announced / LEECHERS_PER_BRIDGE)) return false;
    return (who.marked && !seedsEnough) || this.#isBehind(who, now, this.#settings.stallSeconds);
  }

  /**
   * The most outside peers for the requester. Some cases know only all or none: a seeder, a client that stalls, a home
   * without a complete copy, and a crowd, in which leechers pass on what bridges and seeders send.
   */
  outsideMax(who: Requester, now: number): number {
    const { homePeersEnough } = this.#limits;
    if (who.seeder) return this.#leechers < homePeersEnough ? ALL : 0;
    if (who.stalled) return ALL;
    if (this.isSupplied()) return this.#missingPeers(who, now);
    if (who.marked) return ALL;
    if (this.#seeds + this.#bridges === 0 && this.#leechers < homePeersEnough) return ALL;
    return !this.#isCrowd() && this.#isBehind(who, now, this.#settings.stallSeconds)
      ? this.#missingPeers(who, now)
      : 0;
  }

  /** Whether the number of outside peers follows from what the home's complete copies send. */
  isSupplied(): boolean {
    return this.#seeds > 0 && !this.#isCrowd();
  }

  #isCrowd(): boolean {
    return this.#announced >= LEECHERS_PER_BRIDGE;
  }

  /** The outside peers that make up for the bytes a second that the home cannot send to the requester. */
  #missingPeers(who: Requester, now: number): number {
    const hasPace = who.before !== 0 && ageOf(who.before, now) >= this.#interval / 4;
    const supply = hasPace ? paceOf(who.before, now, who.left) : this.#supply();
    return Math.max(0, Math.ceil((this.#demandOf(who.left) - supply) / RATES.outsidePeer));
  }

  /** Bytes a second that a download should get. @param left encoded by coarseLeft. */
  #demandOf(left: number): number {
    const intervals = leftBytes(left) / RATES.typical / this.#interval;
    return (
      (this.#demandFactor * this.#demand) / Math.min(Math.max(intervals, INTERVALS.least), INTERVALS.most)
    );
  }

  /** Bytes a second that the home can send to the requester, as far as counts tell. */
  #supply(): number {
    const senders = this.#seeds + this.#leechers / 2;
    // Some cannot be connected to, and some are slow. The fewer they are, the likelier all of them are such.
    return (RATES.upload * Math.max(0, senders - Math.sqrt(senders))) / (this.#leechers + 1);
  }

  /** Whether the requester, at its speed, needs more than `seconds` to catch up with the bridge or copy that has most. */
  #isBehind(who: Requester, now: number, seconds: number): boolean {
    if (who.before === 0 || who.left <= this.#leastLeft) return false;
    const pace = paceOf(who.before, now, who.left);
    return leftBytes(who.left) - leftBytes(this.#leastLeft) > pace * seconds;
  }
}
