/**
 * What a home has in a swarm, and what follows for a requester of it: whether it becomes a bridge, and how many outside
 * peers it gets. bridged.ts says why.
 *
 * Runs of peers are counted as wholes. Only bridges are looked at one by one, if the decision depends on them: a bridge
 * that has not announced for its lease counts no more. Of a long run only a part is looked at, and the rest is estimated
 * from it, so that an announce costs the same in a swarm of any size.
 */
import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
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
import { ageOf, paceOf } from "../store/peer-record.ts";
import { RecentDownloads } from "../store/recent-downloads.ts";
import { isHome } from "./homes.ts";
import type { FamilyPeers, SelectionSettings } from "./policy.ts";
import { OUTSIDE_ALL, type Requester } from "./requester.ts";

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
 * The bridges of one run that are looked at. Each time, it is another part of a longer run. A run has more only where more
 * than a hundred clients of one home download: there is one bridge for every {@link LEECHERS_PER_BRIDGE}.
 */
const EXAMINED_MAX = 32;

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

/** Seconds between announces of a client that downloads at home. A stall spans two of them. */
export function downloadInterval(stallSeconds: number): number {
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
export class HomeCensus {
  readonly #settings: SelectionSettings;
  readonly #limits: BridgedLimits;
  /** Seconds without an announce after which a bridge no longer counts. */
  readonly #lease: number;
  /** Seconds between announces of a client that downloads. */
  readonly #interval: number;
  /** Bytes a second that a download of one interval should get. */
  readonly #demand: number;
  #demandFactor = 1;
  /** Bytes a second of the requester's download since its last announce. */
  #pace = 0;
  #leechers = 0;
  /** The leechers that are not learned. */
  #announced = 0;
  #seeds = 0;
  /** The marked peers: bridges, also those that count no more. */
  #marked = 0;
  #bridges = 0;
  /** The bridges of the requester's tier. */
  #tierBridges = 0;
  /** The fewest bytes that a bridge or a complete copy has left, encoded by coarseLeft. */
  #leastLeft = LEFT_MAX;
  readonly #recent = new RecentDownloads();
  /** Which part of a long run is looked at next. */
  #turn = 0;

  constructor(settings: SelectionSettings, limits: BridgedLimits) {
    this.#settings = settings;
    this.#limits = limits;
    this.#lease = bridgeLease(settings.stallSeconds);
    this.#interval = downloadInterval(settings.stallSeconds);
    this.#demand = RATES.patient / (settings.patience - 1);
  }

  /** Begins with a requester. @param demand the factor by which all demand is multiplied. @param now seconds. */
  begin(who: Requester, demand: number, now: number): void {
    this.#demandFactor = demand;
    this.#pace = who.before === 0 ? 0 : paceOf(who.before, now, who.left);
    this.#leechers = 0;
    this.#announced = 0;
    this.#seeds = 0;
    this.#marked = 0;
    this.#bridges = 0;
    this.#tierBridges = 0;
    this.#leastLeft = LEFT_MAX;
  }

  /** Bytes a second of the requester's download since its last announce; 0 if there was none. */
  get pace(): number {
    return this.#pace;
  }

  /** Adds the peers of one family at home that may be returned to the requester. */
  add({ segments, requester }: FamilyPeers, groups: PeerGroups, who: Requester): void {
    let leechers = 0;
    let learned = 0;
    let seeds = 0;
    for (let i = 0; i < segments.count; i++) {
      const key = segments.keys[i];
      if (!this.#isCounted(key, groups, who)) continue;
      const others = segments.counts[i] - (segments.holds(i, requester) ? 1 : 0);
      if (!isComplete(key)) {
        leechers += others;
        if (isLearned(key)) learned += others;
        else if (isMarked(key)) this.#marked += others;
      } else if (isProven(key) || isLearned(key)) seeds += others;
    }
    this.#leechers += leechers;
    this.#announced += leechers - learned;
    this.#seeds += seeds;
    if (seeds > 0) this.#leastLeft = 0;
  }

  /** Whether a peer with this key is at home, may be returned to the requester, and counts as a client. */
  #isCounted(key: number, groups: PeerGroups, who: Requester): boolean {
    if (isDuplicate(key) || isUnconfirmed(key)) return false;
    const group = groupOf(key);
    if (!isHome(this.#settings.home, groups, who.group, group)) return false;
    return !hasPrivateAddress(key) || groups.reaches(group, who.group);
  }

  /**
   * Whether the decisions depend on the bridges at home, so that {@link addBridges} is needed for both families. If there are
   * enough complete copies, it is only needed for a requester that is so slow that it becomes an additional bridge, unless
   * there are as many bridges as there can be.
   */
  dependsOnBridges(who: Requester): boolean {
    if (this.#marked === 0 || who.seeder || who.stalled) return false;
    if (this.#seeds === 0 || !this.#areSeedsEnough()) return true;
    return this.#marked >= this.#bridgesMax() && this.#isBehind(who);
  }

  /** Looks at the bridges of one family, after {@link add}. @param now seconds. */
  addBridges(
    { list, cell, segments, requester }: FamilyPeers,
    groups: PeerGroups,
    who: Requester,
    now: number,
  ): void {
    const recent = this.#recent;
    for (let i = 0; i < segments.count; i++) {
      const key = segments.keys[i];
      if (!isMarked(key) || !this.#isCounted(key, groups, who)) continue;
      const count = segments.counts[i];
      const from = segments.starts[i] + (count > EXAMINED_MAX ? this.#partOf(count) : 0);
      const examined = Math.min(count, EXAMINED_MAX);
      recent.begin(now, this.#lease);
      list.addRecent(cell, from, from + examined, requester, recent);
      const bridges = Math.round((recent.count * count) / examined);
      this.#bridges += bridges;
      if (groups.tierOf[groupOf(key)] === groups.tierOf[who.group]) this.#tierBridges += bridges;
      this.#leastLeft = Math.min(this.#leastLeft, recent.leastLeft);
    }
  }

  /** Where the part of a long run begins that is looked at. The next call returns the next part. */
  #partOf(count: number): number {
    this.#turn = (this.#turn + EXAMINED_MAX) % 2 ** 30;
    return Math.min(this.#turn % count, count - EXAMINED_MAX);
  }

  /** Whether the requester becomes or stays a bridge: its home needs one, and its download makes progress. */
  needsBridge(who: Requester): boolean {
    if (who.seeder || who.stalled) return false;
    // It was decided when its other record announced, which counts.
    if (who.isDuplicate) return who.marked;
    const seedsEnough = this.#areSeedsEnough();
    if (!seedsEnough && this.#tierBridges < this.#limits.bridges) return true;
    if (this.#bridges >= this.#bridgesMax()) return false;
    return (who.marked && !seedsEnough) || this.#isBehind(who);
  }

  /**
   * The most outside peers for the requester. Some cases know only all or none: a seeder, a client that stalls, a home
   * without a complete copy, and a crowd, in which leechers pass on what bridges and seeders send.
   */
  outsideMax(who: Requester, now: number): number {
    const { homePeersEnough } = this.#limits;
    if (who.seeder) return this.#leechers < homePeersEnough ? OUTSIDE_ALL : 0;
    if (who.stalled) return OUTSIDE_ALL;
    if (this.isSupplied()) return this.#missingPeers(who, now);
    if (who.marked) return OUTSIDE_ALL;
    if (this.#seeds + this.#bridges === 0 && this.#leechers < homePeersEnough) return OUTSIDE_ALL;
    return !this.#isCrowd() && this.#isBehind(who) ? this.#missingPeers(who, now) : 0;
  }

  /** Whether the number of outside peers follows from what the home's complete copies send. */
  isSupplied(): boolean {
    return this.#seeds > 0 && !this.#isCrowd();
  }

  /** With so many bridges at home, there is no additional one. */
  #bridgesMax(): number {
    return this.#limits.bridges + Math.floor(this.#announced / LEECHERS_PER_BRIDGE);
  }

  #areSeedsEnough(): boolean {
    return areSeedsEnough(this.#seeds, this.#announced, this.#limits);
  }

  #isCrowd(): boolean {
    return this.#announced >= LEECHERS_PER_BRIDGE;
  }

  /** The outside peers that make up for the bytes a second that the home cannot send to the requester. */
  #missingPeers(who: Requester, now: number): number {
    const hasPace = who.before !== 0 && ageOf(who.before, now) >= this.#interval / 4;
    const supply = hasPace ? this.#pace : this.#supply();
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

  /** Whether the requester, at its pace, needs more than the time of a stall to catch up with the bridge or copy that has most. */
  #isBehind(who: Requester): boolean {
    const least = this.#leastLeft;
    if (who.before === 0 || who.left <= least) return false;
    return leftBytes(who.left) - leftBytes(least) > this.#pace * this.#settings.stallSeconds;
  }
}
