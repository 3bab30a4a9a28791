/**
 * Counts the complete copies of a torrent that subscribers can fetch inside the network. The count is cautious, so
 * that no subscriber is cut off from a torrent that is not available:
 *
 * - The copies of one household, an address or an IPv6 /56, count once. Announcing from many ports does not help.
 * - A copy counts after it is proven (store/layout/key.ts). The former address of a client that moved does not
 *   count.
 * - The families are counted separately, since a dual-stack peer is in both. The smaller count decides, of the
 *   families in which a subscriber is downloading.
 * - A private address counts only if every group inside reaches it.
 * - Learned peers do not count.
 */
import { type Family, HOUSEHOLD_MASK } from "../model/address.ts";
import { GROUP_IDS, NO_GROUP, PeerGroups, type PeerGroupsData } from "../network/peer-groups.ts";
import {
  countsAsClient,
  groupOf,
  hasPrivateAddress,
  isComplete,
  isDuplicate,
  isLearned,
  isProven,
  SAME_CLIENT,
} from "../store/layout/key.ts";
import { identityOf, wordBAt } from "../store/layout/peer.ts";
import { Segments } from "../store/segments.ts";
import type { SwarmStore } from "../store/swarm-store.ts";

/** The maximum of different copies that are counted. `hashlist.min_complete` is not higher. */
const COPIES_LIMIT = 100;

/**
 * The maximum of peers of one run that are checked for different addresses: some microseconds of work. With more peers,
 * the count may be too low.
 */
const SEARCH_LIMIT = 1024;

/** The maximum of duplicates of a family that are checked. With more, the count may be too low. */
const DUPLICATES_LIMIT = 64;

/** The role of a group for the list. */
const INSIDE = 1;
const REACHED_BY_ALL = 2;

/** Counts the copies of one swarm at a time. The caller holds the swarm's shard. */
export class LocalCopies {
  /** The result for the last counted swarm: different copies, up to the number that is enough; and peers inside. */
  copies = 0;
  peers = 0;
  readonly #store: SwarmStore;
  readonly #segments = new Segments();
  readonly #kindOf = new Uint8Array(GROUP_IDS);
  #hasInside = false;
  #enough = 1;
  /** The addresses that have been counted as a copy, two words each. */
  readonly #seen = new Uint32Array(2 * COPIES_LIMIT);
  #seenCount = 0;
  /** Counts of the current family. */
  #leechers = 0;

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  /**
   * Adopts new groups: the groups of the nearest `tiers` tiers are inside.
   * @param enough no more copies than this are counted; {@link COPIES_LIMIT} at most.
   */
  adopt(data: PeerGroupsData, tiers: number, enough: number): void {
    const groups = new PeerGroups(data);
    const inside = data.groups.filter(({ tier }) => tier < tiers).map(({ id }) => id);
    this.#kindOf.fill(0);
    for (const id of inside)
      this.#kindOf[id] = inside.every((other) => groups.reaches(id, other)) ? REACHED_BY_ALL : INSIDE;
    this.#hasInside = inside.length > 0;
    this.#enough = enough;
  }

  /** Whether a group is inside. */
  isInside(group: number): boolean {
    return group !== NO_GROUP && this.#kindOf[group] !== 0;
  }

  /** Counts a swarm. A swarm with fewer than `least` complete peers has no copies, and its peers are not counted. */
  count(entry: number, least: number): void {
    this.copies = 0;
    this.peers = 0;
    if (!this.#hasInside || this.#store.complete(entry) < least) return;
    const ipv4 = this.#countFamily(entry, 4);
    const ipv4Leechers = this.#leechers;
    const ipv6 = this.#countFamily(entry, 6);
    if (ipv4Leechers > 0 && this.#leechers > 0) this.copies = Math.min(ipv4, ipv6);
    else if (ipv4Leechers > 0) this.copies = ipv4;
    else if (this.#leechers > 0) this.copies = ipv6;
    else this.copies = Math.max(ipv4, ipv6);
  }

  /** @returns the number of copies. */
  #countFamily(entry: number, family: Family): number {
    const { keys, starts, counts } = this.#segments;
    const cell = this.#store.listCell(entry, family);
    this.#store.list(family).loadSegments(cell, this.#segments);
    this.#seenCount = 0;
    this.#leechers = 0;
    for (let i = 0; i < this.#segments.count; i++) {
      const kind = this.#kindOf[groupOf(keys[i])];
      if (kind === 0 || isLearned(keys[i])) continue;
      if (!isDuplicate(keys[i])) this.peers += counts[i];
      if (!isComplete(keys[i])) this.#leechers += counts[i];
      else if (isProven(keys[i]) && !isDuplicate(keys[i]) && this.#isReached(keys[i]))
        this.#countCopies(cell, family, starts[i], counts[i]);
    }
    this.#countDuplicates(cell, family);
    return this.#seenCount;
  }

  /** Whether all groups inside reach the peers with this key. */
  #isReached(key: number): boolean {
    const kind = this.#kindOf[groupOf(key)];
    return kind === REACHED_BY_ALL || (kind === INSIDE && !hasPrivateAddress(key));
  }

  /**
   * Counts the duplicates of a family that are copies. They are the other addresses of dual-stack clients, which count
   * in the other family. Former addresses of clients that count in this family are left out.
   */
  #countDuplicates(cell: number, family: Family): void {
    const { keys, starts, counts } = this.#segments;
    let looks = DUPLICATES_LIMIT;
    for (let i = 0; i < this.#segments.count; i++) {
      if (!isProven(keys[i]) || !isDuplicate(keys[i]) || !this.#isReached(keys[i])) continue;
      const end = starts[i] + counts[i];
      for (let at = starts[i]; at < end && looks > 0 && this.#seenCount < this.#enough; at++, looks--)
        if (!this.#hasMoved(cell, family, at)) this.#countCopies(cell, family, at, 1);
    }
  }

  /**
   * Whether the client of a duplicate has a counted record in the same family. Then that record is its current address.
   */
  #hasMoved(cell: number, family: Family, position: number): boolean {
    const { words } = this.#store;
    const list = this.#store.list(family);
    const { keys, starts, counts } = this.#segments;
    const wordA = list.wordAAt(cell, position);
    const identity = identityOf(words[wordA], wordBAt(words, wordA));
    const searched = words[wordA];
    for (let i = 0; i < this.#segments.count; i++) {
      if (!isComplete(keys[i]) || !countsAsClient(keys[i])) continue;
      const end = starts[i] + Math.min(counts[i], SEARCH_LIMIT);
      for (let at = starts[i]; at < end; at++) {
        at = list.findWord(cell, at, end, SAME_CLIENT, searched);
        if (at === -1) break;
        const found = list.wordAAt(cell, at);
        if (identityOf(words[found], wordBAt(words, found)) === identity) return true;
      }
    }
    return false;
  }

  #countCopies(cell: number, family: Family, start: number, count: number): void {
    const { words } = this.#store;
    const list = this.#store.list(family);
    const end = start + Math.min(count, SEARCH_LIMIT);
    for (let position = start; position < end && this.#seenCount < this.#enough; position++) {
      const record = list.recordAt(cell, position);
      this.#see(words[record], family === 4 ? 0 : (words[record + 1] & HOUSEHOLD_MASK) >>> 0);
    }
  }

  #see(first: number, second: number): void {
    const seen = this.#seen;
    const end = 2 * this.#seenCount;
    for (let i = 0; i < end; i += 2) if (seen[i] === first && seen[i + 1] === second) return;
    seen[end] = first;
    seen[end + 1] = second;
    this.#seenCount++;
  }
}
