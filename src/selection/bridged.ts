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

import { NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";
import { groupOf, isComplete, isMarked } from "../store/layout/key.ts";
import { ageOf } from "../store/peer-record.ts";
import { BRIDGED_LIMITS, type BridgedLimits, downloadInterval, HomeCensus } from "./home-census.ts";
import { isHome } from "./homes.ts";
import type { PaceTrial } from "./pace-trial.ts";
import { type FamilyPeers, NOT_RETURNED, type SelectionPolicy, type SelectionSettings } from "./policy.ts";
import { nearnessOf } from "./rank.ts";
import { OUTSIDE_ALL, type Requester } from "./requester.ts";

/**
 * The most that `selection.patience` can be. With it, the duration of downloads is not measured: no household is in the
 * control group, so all are limited.
 */
export const PATIENCE_MAX = 10;

/** A requester that is not in the list. */
const NONE = -1;

/** Paces are counted over at least as many seconds: ages are whole seconds. */
const TIMED_SECONDS = 5;

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
    who.outsideMax = OUTSIDE_ALL;
    if (who.group === NO_GROUP || who.poll) return;
    const census = this.#census;
    census.begin(who, this.#trial?.demand ?? 1, now);
    census.add(ipv4, groups, who);
    census.add(ipv6, groups, who);
    if (census.dependsOnBridges(who)) {
      census.addBridges(ipv4, groups, who, now);
      census.addBridges(ipv6, groups, who, now);
    }
    who.marked = census.needsBridge(who);
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
    if (isTimed && !who.preview) trial.count(household, this.#census.pace, now);
    if (!who.seeder && trial.isControl(household, now)) who.outsideMax = OUTSIDE_ALL;
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
