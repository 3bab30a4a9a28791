/**
 * Which peers of a swarm a requester is given: the policy `nearest`.
 *
 * Every group has a tier, by its priority; nearer tiers come first, and inside a tier the requester's own group. What
 * one answer can hold of a tier is chosen at random, every peer alike. A seeder is given no seeders, nobody itself,
 * and a private address only goes where it can be reached.
 *
 * A dual-stack client wants both families (BEP 7), an IPv4-only one can use only its own: in every tier the
 * requester's family comes first, and the other may take a quarter of the answer, or what its own leaves free.
 */
import type { Address } from "../model/address.ts";
import { type AnnounceResponse, COMPACT_BYTES } from "../model/announce.ts";
import type { Random } from "../model/random.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import type { PeerList } from "./peer-list.ts";
import { KEY_COMPLETE, KEY_GROUP, KEY_MASK, KEY_PRIVATE } from "./peer-record.ts";
import { Segments } from "./segments.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** Rank of a segment that the requester is not given. */
const NOT_GIVEN = 0xffff;
const NONE = -1;

/** The peers of one family that a requester could be given, by rank: twice the tier, one more outside its own group. */
class Candidates {
  /** How many there are in all. */
  total = 0;
  readonly #list: PeerList;
  readonly #random: Random;
  readonly #segments = new Segments();
  /** Of each segment: peers that may be given, and the next segment of the same rank. */
  readonly #free = new Uint32Array(KEY_MASK + 1);
  readonly #next = new Int16Array(KEY_MASK + 1);
  /** Of each rank: peers that may be given, and the first segment. */
  readonly #rankFree = new Uint32Array(2 * (KEY_GROUP + 2));
  readonly #rankFirst = new Int16Array(2 * (KEY_GROUP + 2));
  #cell = 0;
  #requester = NONE;

  constructor(list: PeerList, random: Random) {
    this.#list = list;
    this.#random = random;
  }

  /** Reads a list. @param requester the position of the requester itself, or -1 when it is not in the list. */
  load(cell: number, groups: PeerGroups, group: number, seeder: boolean, requester: number): void {
    const segments = this.#segments;
    this.#cell = cell;
    this.#requester = requester;
    this.total = 0;
    if (this.#list.count(cell) === 0) return;
    this.#list.loadSegments(cell, segments);
    // A loop: most operators have two or three tiers, and fill() would cost more than that.
    for (let rank = 0; rank < 2 * groups.tierCount; rank++) {
      this.#rankFirst[rank] = NONE;
      this.#rankFree[rank] = 0;
    }
    for (let i = 0; i < segments.count; i++) {
      const rank = rankOf(segments.keys[i], groups, group, seeder);
      if (rank === NOT_GIVEN) continue;
      const free = segments.counts[i] - (this.#holdsRequester(i) ? 1 : 0);
      this.#free[i] = free;
      this.#next[i] = this.#rankFirst[rank];
      this.#rankFirst[rank] = i;
      this.#rankFree[rank] += free;
      this.total += free;
    }
  }

  /** How many have this rank. */
  available(rank: number): number {
    return this.total === 0 ? 0 : this.#rankFree[rank];
  }

  /**
   * Writes `wanted` of those with this rank (at most as many as there are) in compact form.
   *
   * Segments get shares in proportion to their size, rounded by one random number for all (systematic sampling), and
   * every share is a run from a random place: each peer has the same chance.
   * @returns the offset behind them.
   */
  write(rank: number, wanted: number, out: Uint8Array, offset: number): number {
    const all = this.#rankFree[rank];
    const rounding = wanted < all ? this.#random.fraction() : 0;
    let at = offset;
    let seen = 0;
    let taken = 0;
    for (let segment = this.#rankFirst[rank]; segment !== NONE; segment = this.#next[segment]) {
      const free = this.#free[segment];
      seen += free;
      const share = Math.min(free, Math.floor((wanted * seen) / all + rounding) - taken);
      if (share <= 0) continue;
      taken += share;
      const first = this.#random.below(free);
      const beforeWrap = Math.min(share, free - first);
      at = this.#writeRun(segment, first, beforeWrap, out, at);
      at = this.#writeRun(segment, 0, share - beforeWrap, out, at);
    }
    return at;
  }

  #holdsRequester(segment: number): boolean {
    const offset = this.#requester - this.#segments.starts[segment];
    return offset >= 0 && offset < this.#segments.counts[segment];
  }

  /** Writes a segment's peers `[first, first + count)`, counted as if the requester were not among them. */
  #writeRun(segment: number, first: number, count: number, out: Uint8Array, offset: number): number {
    if (count === 0) return offset;
    const start = this.#segments.starts[segment] + first;
    if (!this.#holdsRequester(segment)) return this.#list.writeCompact(this.#cell, start, count, out, offset);
    const before = Math.max(0, Math.min(count, this.#requester - start));
    const at = this.#list.writeCompact(this.#cell, start, before, out, offset);
    return this.#list.writeCompact(this.#cell, start + before + 1, count - before, out, at);
  }
}

/** Twice the tier of a segment's group, one more when it is not the requester's own; or {@link NOT_GIVEN}. */
function rankOf(key: number, groups: PeerGroups, requesterGroup: number, seeder: boolean): number {
  if (seeder && (key & KEY_COMPLETE) !== 0) return NOT_GIVEN;
  const group = key & KEY_GROUP;
  if ((key & KEY_PRIVATE) !== 0 && !groups.reaches(group, requesterGroup)) return NOT_GIVEN;
  return 2 * groups.tierOf[group] + (group === requesterGroup ? 0 : 1);
}

/** Who asks, and for what. */
export interface Requester {
  readonly address: Address;
  readonly group: number;
  /** Wants no complete peers, having nothing to fetch. */
  readonly seeder: boolean;
  /** Its own positions in the swarm's lists, or -1. */
  readonly position4: number;
  readonly position6: number;
}

/** Chooses peers. One for each thread: it has scratch memory. */
export class PeerSelection {
  readonly #store: SwarmStore;
  readonly #ipv4: Candidates;
  readonly #ipv6: Candidates;

  constructor(store: SwarmStore, random: Random) {
    this.#store = store;
    this.#ipv4 = new Candidates(store.list(4), random);
    this.#ipv6 = new Candidates(store.list(6), random);
  }

  /** Writes at most `wanted` peers of the swarm to the response. The swarm's shard is locked by the caller. */
  select(
    entry: number,
    groups: PeerGroups,
    who: Requester,
    wanted: number,
    response: AnnounceResponse,
  ): void {
    const ipv4 = this.#ipv4;
    const ipv6 = this.#ipv6;
    ipv4.load(this.#store.listCell(entry, 4), groups, who.group, who.seeder, who.position4);
    ipv6.load(this.#store.listCell(entry, 6), groups, who.group, who.seeder, who.position6);
    const ranks = 2 * groups.tierCount;
    const own = who.address.family === 4 ? ipv4 : ipv6;
    const other = who.address.family === 4 ? ipv6 : ipv4;
    let room = wanted;
    let otherRoom = Math.max(wanted >> 2, wanted - own.total);
    let at4 = 0;
    let at6 = 0;
    for (let rank = 0; rank < ranks && room > 0; rank++) {
      const fromOther = Math.min(other.available(rank), otherRoom, room);
      const fromOwn = Math.min(own.available(rank), room - fromOther);
      room -= fromOwn + fromOther;
      otherRoom -= fromOther;
      const from4 = own === ipv4 ? fromOwn : fromOther;
      const from6 = own === ipv4 ? fromOther : fromOwn;
      if (from4 > 0) at4 = ipv4.write(rank, from4, response.peers, at4);
      if (from6 > 0) at6 = ipv6.write(rank, from6, response.peers6, at6);
    }
    response.peerCount = at4 / COMPACT_BYTES[4];
    response.peer6Count = at6 / COMPACT_BYTES[6];
  }
}
