/**
 * Which peers of a swarm are returned to a requester.
 *
 * Each group has a tier, by its priority. Nearer tiers come first, and inside a tier the requester's own group. If not
 * all peers of a tier fit, they are chosen at random with equal chances. A seeder gets leechers; it gets seeders in the
 * remaining room only until it has transferred something. A requester never gets itself. A private address is returned
 * only to groups that can reach it. The selection policy (policy.ts) can exclude more peers, put some after all others,
 * and reserve a part of the answer for these.
 *
 * A dual-stack client wants both families (BEP 7); an IPv4-only client can use only its own. So in every tier the
 * requester's family comes first. The other family may take a quarter of the answer, or the room that the first leaves
 * free. An answer over UDP has one family only (BEP 15); a dual-stack client announces over both.
 */

import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import type { Random } from "../model/random.ts";
import { ACTIVITY_WIDTH, returnedAt } from "../store/group-activity.ts";
import { isComplete, isMarked } from "../store/layout/key.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { Candidates } from "./candidates.ts";
import { OwnTrackerPeers } from "./own-tracker-peers.ts";
import type { FamilyPeers, SelectionRules } from "./policy.ts";
import { ordinaryRanks } from "./rank.ts";
import { OUTSIDE_ALL, type Requester } from "./requester.ts";

const NONE = -1;

/** Chooses peers. Each thread needs its own, because it has scratch memory. */
export class PeerSelection {
  readonly #store: SwarmStore;
  readonly #activity: Float64Array;
  readonly #ownTracker: OwnTrackerPeers;
  readonly #ipv4: Candidates;
  readonly #ipv6: Candidates;
  #room = 0;
  #otherRoom = 0;
  #at4 = 0;
  #at6 = 0;

  /** @param counters and `activity`: by model/counters.ts and group-activity.ts. */
  constructor(store: SwarmStore, random: Random, counters: Float64Array, activity: Float64Array) {
    this.#store = store;
    this.#activity = activity;
    this.#ownTracker = new OwnTrackerPeers(random, counters, activity);
    this.#ipv4 = new Candidates(store.list(4), random, counters);
    this.#ipv6 = new Candidates(store.list(6), random, counters);
  }

  /**
   * Writes at most `wanted` peers of the swarm to the response, and stores the mark that the policy sets for the
   * requester. The caller holds the lock of the swarm's shard.
   */
  select(
    shard: number,
    entry: number,
    rules: SelectionRules,
    who: Requester,
    wanted: number,
    now: number,
    response: AnnounceResponse,
  ): void {
    this.#load(entry, rules, who);
    this.#assignRole(shard, entry, rules, who, now);
    const { tierCount } = rules.groups;
    const block = 2 * tierCount;
    const ranks = ordinaryRanks(rules);
    const own = (who.onlyFamily || who.address.family) === 4 ? this.#ipv4 : this.#ipv6;
    const other = own === this.#ipv4 ? this.#ipv6 : this.#ipv4;
    const both = who.onlyFamily === 0 && other.segments.count > 0;
    who.candidates = own.exchanging + (both ? other.exchanging : 0);
    who.candidatesOutside = own.exchangingOutside + (both ? other.exchangingOutside : 0);
    this.#at4 = response.peersAt;
    this.#at6 = response.peers6At;
    const inOwn = own.first + (who.outsideMax > 0 ? own.later : 0);
    this.#otherRoom = both ? Math.max(Math.floor(wanted / 4), wanted - inOwn) : 0;
    const later = own.later + (both ? other.later : 0);
    const reserved = later === 0 ? 0 : Math.min(rules.selection.reserve(who, wanted), later);
    this.#room = wanted - reserved;
    this.#write(own, other, 0, tierCount, who, response);
    this.#limitOutside(this.#room + reserved, block < ranks, own, who);
    for (let first = block; first < ranks; first += block)
      this.#write(own, other, first, tierCount, who, response);
    if (who.source !== 0) {
      this.#writeOwnTrackers(own, this.#room, rules, who, response);
      if (both) this.#writeOwnTrackers(other, Math.min(this.#room, this.#otherRoom), rules, who, response);
    }
    if (who.filled) this.#fill(own, other, both, ranks, rules, who, response);
    response.peerCount = (this.#at4 - response.peersAt) / COMPACT_BYTES[4];
    response.peer6Count = (this.#at6 - response.peers6At) / COMPACT_BYTES[6];
  }

  /**
   * Limits the room for peers outside the home. If the policy returns only some of them, those of the requester's own
   * family come first: it is unknown whether the requester can use the other family, and most peers of that family are
   * other addresses of the same clients.
   */
  #limitOutside(room: number, hasOutside: boolean, own: Candidates, who: Requester): void {
    this.#room = room;
    if (!hasOutside || who.outsideMax >= room) return;
    this.#room = who.outsideMax;
    who.isLimited = true;
    this.#otherRoom = Math.min(this.#otherRoom, Math.max(0, this.#room - own.later));
  }

  /** Fills the remaining room with unconfirmed peers of the tracker that the requester announces to. */
  #writeOwnTrackers(
    candidates: Candidates,
    room: number,
    rules: SelectionRules,
    who: Requester,
    response: AnnounceResponse,
  ): void {
    const isIPv4 = candidates === this.#ipv4;
    const out = isIPv4 ? response.view : response.view6;
    const written = this.#ownTracker.write(candidates, rules, who, room, out, isIPv4 ? this.#at4 : this.#at6);
    if (isIPv4) this.#at4 += written * COMPACT_BYTES[4];
    else this.#at6 += written * COMPACT_BYTES[6];
    this.#room -= written;
  }

  /** Fills the remaining room of a seeder's answer with other seeders. They are not counted: seeders exchange nothing. */
  #fill(
    own: Candidates,
    other: Candidates,
    both: boolean,
    ordinary: number,
    { groups }: SelectionRules,
    who: Requester,
    response: AnnounceResponse,
  ): void {
    const { returned, returnedOutside } = who;
    if (both) this.#otherRoom = Math.max(Math.floor(this.#room / 4), this.#room - own.fill);
    for (let first = ordinary; first < 2 * ordinary; first += 2 * groups.tierCount)
      this.#write(own, other, first, groups.tierCount, who, response);
    who.returned = returned;
    who.returnedOutside = returnedOutside;
  }

  /** Reads both lists and sorts them by rank, before it is decided how many outside peers the requester gets. */
  #load(entry: number, rules: SelectionRules, who: Requester): void {
    who.outsideMax = OUTSIDE_ALL;
    this.#ipv4.load(this.#store.listCell(entry, 4), who.position4);
    this.#ipv4.sort(rules, who);
    this.#ipv6.load(this.#store.listCell(entry, 6), who.position6);
    this.#ipv6.sort(rules, who);
  }

  /** Asks the policy for the requester's role in the swarm, and stores its mark with its records of both families. */
  #assignRole(shard: number, entry: number, rules: SelectionRules, who: Requester, now: number): void {
    const counted = who.address.family === 4 ? this.#ipv6 : this.#ipv4;
    if (who.isDuplicate && counted.requester !== NONE) who.marked = isMarked(wordAOf(counted));
    rules.selection.assignRole(this.#ipv4, this.#ipv6, rules.groups, who, now);
    if (who.preview) return;
    const flips4 = isOtherMark(this.#ipv4, who.marked);
    const flips6 = isOtherMark(this.#ipv6, who.marked);
    if (flips4) who.position4 = this.#store.flipMark(shard, entry, 4, who.position4);
    if (flips6) who.position6 = this.#store.flipMark(shard, entry, 6, who.position6);
    if (!flips4 && !flips6) return;
    const { outsideMax } = who;
    this.#load(entry, rules, who);
    who.outsideMax = outsideMax;
  }

  /** Writes peers of two ranks for each of `tiers` tiers, from rank `first` on, as long as there is room. */
  #write(
    own: Candidates,
    other: Candidates,
    first: number,
    tiers: number,
    who: Requester,
    response: AnnounceResponse,
  ): void {
    const ipv4 = this.#ipv4;
    const ipv6 = this.#ipv6;
    const end = first + 2 * tiers;
    for (let rank = first - 1; this.#room > 0; ) {
      const next = own.nextRank(rank + 1, end);
      rank = this.#otherRoom > 0 ? Math.min(next, other.nextRank(rank + 1, end)) : next;
      if (rank === end) return;
      const inOwn = own.available(rank);
      const inOther = this.#otherRoom > 0 ? other.available(rank) : 0;
      const fromOther = Math.min(inOther, this.#otherRoom, this.#room);
      const fromOwn = Math.min(inOwn, this.#room - fromOther);
      this.#room -= fromOwn + fromOther;
      this.#otherRoom -= fromOther;
      const from4 = own === ipv4 ? fromOwn : fromOther;
      const from6 = own === ipv4 ? fromOther : fromOwn;
      if (from4 > 0) this.#at4 = ipv4.write(rank, from4, response.view, this.#at4);
      if (from6 > 0) this.#at6 = ipv6.write(rank, from6, response.view6, this.#at6);
      // V8 halves a number with a shift only if it knows that the number is not negative.
      const tier = Math.floor((rank - first) / 2);
      const returned = fromOwn + fromOther;
      who.returned += returned;
      if (tier === tiers - 1) who.returnedOutside += returned;
      this.#activity[who.group * ACTIVITY_WIDTH + returnedAt(tier, tiers)] += returned;
    }
  }
}

/** Word A of the requester's record in a list. It must be there. */
function wordAOf({ list, cell, requester }: FamilyPeers): number {
  return list.wordAOf(cell, requester);
}

/** Whether the requester's record in a list is that of a download, and has another mark. */
function isOtherMark(peers: FamilyPeers, marked: boolean): boolean {
  if (peers.requester === NONE) return false;
  const wordA = wordAOf(peers);
  return !isComplete(wordA) && isMarked(wordA) !== marked;
}
