/**
 * The peers of a swarm that may be returned to a requester, by rank (rank.ts), and the choice among those of one
 * rank: at random in runs, or one by one in a crowded list (large-list.ts).
 */

import { NUM_WANT_LIMIT } from "../model/announce.ts";
import { LEARNED_RETURNED_AT } from "../model/counters.ts";
import type { Random } from "../model/random.ts";
import { GROUP_IDS, NO_GROUP } from "../network/peer-groups.ts";
import { groupOf, isLearned, KEYS } from "../store/layout/key.ts";
import type { PeerList } from "../store/peer-list.ts";
import { Segments } from "../store/segments.ts";
import { AnswerPlaces } from "./answer-places.ts";
import { BLOCKS_MAX, NOT_RETURNED, type SelectionRules } from "./policy.ts";
import { ordinaryRanks, rankOf } from "./rank.ts";
import type { Requester } from "./requester.ts";

const NONE = -1;

/** The most peers of one answer that are passed over because their household has its share of places already. */
const PASSED_OVER_MAX = 256;

/** Two ranks for each tier in each block, and as many again for the seeders that fill up a seeder's answer. */
const RANKS = 2 * BLOCKS_MAX * 2 * (GROUP_IDS + 1);
const WORD_BITS = 32;

/**
 * Step widths for a crowded run of peers. One is chosen at random for each answer, so that it is random which peers
 * follow those that are passed over. They are primes larger than a list, so each walk visits every peer once.
 */
const STEPS = Uint32Array.of(
  2254451,
  2299697,
  2340419,
  2390147,
  2400971,
  2457641,
  2477639,
  2491963,
  2729861,
  2997667,
  3106577,
  3455407,
  3630967,
  3753179,
  3851101,
  3915997,
);

/** The peers of one family that may be returned to a requester, by rank. Nearer peers have a lower rank. */
export class Candidates {
  /** Peers with a rank of the first block, and of the blocks after it; and seeders for a seeder. */
  first = 0;
  later = 0;
  fill = 0;
  /** Peers that may be returned and that the requester can exchange data with; and those of them that are in no group. */
  exchanging = 0;
  exchangingOutside = 0;
  readonly list: PeerList;
  readonly segments = new Segments();
  readonly #random: Random;
  readonly #counters: Float64Array;
  /** For each segment: peers that may be returned, and the next segment of the same rank. */
  readonly #free = new Uint32Array(KEYS);
  readonly #next = new Int16Array(KEYS);
  /** A bit for each rank: whether a segment has it. Only then the next two are valid. Most swarms have a few ranks. */
  readonly #ranks = new Int32Array(RANKS / WORD_BITS + 1);
  /** For each rank: peers that may be returned, and the first segment. */
  readonly #rankFree = new Uint32Array(RANKS);
  readonly #rankFirst = new Int16Array(RANKS);
  readonly #places = new AnswerPlaces();
  /** For each segment: the place that is examined next, and how many have been examined. */
  readonly #place = new Uint32Array(KEYS);
  readonly #looked = new Uint32Array(KEYS);
  /** The peers passed over: segment, and place in the segment. */
  readonly #passedSegment = new Int16Array(NUM_WANT_LIMIT + PASSED_OVER_MAX);
  readonly #passedPlace = new Uint32Array(NUM_WANT_LIMIT + PASSED_OVER_MAX);
  #passedOver = 0;
  /** Peers of the current rank that remain to be written, and that may still be examined. */
  #missing = 0;
  #budget = 0;
  #step = 0;
  cell = 0;
  requester = NONE;

  constructor(list: PeerList, random: Random, counters: Float64Array) {
    this.list = list;
    this.#random = random;
    this.#counters = counters;
  }

  /** Reads a list. @param requester the position of the requester itself, or -1 when it is not in the list. */
  load(cell: number, requester: number): void {
    this.cell = cell;
    this.requester = requester;
    this.list.loadSegments(cell, this.segments);
    this.#places.begin();
  }

  /** Sorts the segments by rank. */
  sort(rules: SelectionRules, who: Requester): void {
    const { segments, requester } = this;
    const ordinary = ordinaryRanks(rules);
    const block = ordinary / rules.selection.blocks;
    const ranks = who.filled ? 2 * ordinary : ordinary;
    this.first = 0;
    this.later = 0;
    this.fill = 0;
    this.exchanging = 0;
    this.exchangingOutside = 0;
    for (let at = 0; at * WORD_BITS < ranks; at++) this.#ranks[at] = 0;
    for (let i = 0; i < segments.count; i++) {
      const key = segments.keys[i];
      const free = segments.counts[i] - (segments.holds(i, requester) ? 1 : 0);
      const rank = rankOf(key, rules, who);
      // Counts the peers that a random choice could return.
      if (rank < ordinary || rank > NOT_RETURNED.unconfirmed) {
        this.exchanging += free;
        if (groupOf(key) === NO_GROUP) this.exchangingOutside += free;
      }
      if (rank >= NOT_RETURNED.first) continue;
      if (rank < block) this.first += free;
      else if (rank < ordinary) this.later += free;
      else this.fill += free;
      this.#append(rank, i, free);
    }
  }

  /** Puts a segment in front of the others of its rank. */
  #append(rank: number, segment: number, free: number): void {
    const at = rank >>> 5;
    const bit = 1 << (rank & 31);
    const isKnown = (this.#ranks[at] & bit) !== 0;
    this.#ranks[at] |= bit;
    this.#free[segment] = free;
    this.#next[segment] = isKnown ? this.#rankFirst[rank] : NONE;
    this.#rankFirst[rank] = segment;
    this.#rankFree[rank] = isKnown ? this.#rankFree[rank] + free : free;
  }

  /** The lowest rank in `[from, to)` that a segment has; `to` if there is none. */
  nextRank(from: number, to: number): number {
    let rank = from;
    while (rank < to) {
      const bits = this.#ranks[rank >>> 5] >>> (rank & 31);
      if (bits !== 0) return Math.min(to, rank + 31 - Math.clz32(bits & -bits));
      rank = (rank | 31) + 1;
    }
    return to;
  }

  /** The number of peers with this rank. */
  available(rank: number): number {
    return ((this.#ranks[rank >>> 5] >>> (rank & 31)) & 1) === 0 ? 0 : this.#rankFree[rank];
  }

  /**
   * Writes `wanted` peers with this rank in compact form. There must be that many.
   *
   * Each segment gets a share in proportion to its size. All shares are rounded with one random number (systematic
   * sampling). Each share is a run that starts at a random place, so every peer has the same chance. In a crowded list,
   * peers are passed over when their household has its share of places already.
   * @returns the offset after the last written byte.
   */
  write(rank: number, wanted: number, out: DataView, offset: number): number {
    const all = this.#rankFree[rank];
    if (wanted === all) return this.#writeAll(rank, out, offset);
    if (this.list.isCrowded(this.cell)) return this.#writeFairly(rank, wanted, out, offset);
    const rounding = this.#random.fraction();
    let at = offset;
    let seen = 0;
    let taken = 0;
    for (let segment = this.#rankFirst[rank]; segment !== NONE; segment = this.#next[segment]) {
      const free = this.#free[segment];
      seen += free;
      const share = Math.min(free, Math.floor((wanted * seen) / all + rounding) - taken);
      if (share <= 0) continue;
      taken += share;
      const first = share === free ? 0 : this.#random.below(free);
      const beforeWrap = Math.min(share, free - first);
      at = this.#writeRun(segment, first, beforeWrap, out, at);
      at = this.#writeRun(segment, 0, share - beforeWrap, out, at);
    }
    return at;
  }

  /** Writes all peers with this rank: there is nothing to choose. */
  #writeAll(rank: number, out: DataView, offset: number): number {
    let at = offset;
    for (let segment = this.#rankFirst[rank]; segment !== NONE; segment = this.#next[segment])
      at = this.#writeRun(segment, 0, this.#free[segment], out, at);
    return at;
  }

  /**
   * Like {@link write}, but with at most {@link FAIR_PLACES} peers of each household (household.ts), unless places stay
   * free otherwise. If a segment has too few such peers for its share, the others fill it. The number of examined peers
   * is bounded.
   */
  #writeFairly(rank: number, wanted: number, out: DataView, offset: number): number {
    const all = this.#rankFree[rank];
    const rounding = this.#random.fraction();
    this.#step = STEPS[this.#random.below(STEPS.length)];
    this.#passedOver = 0;
    this.#missing = wanted;
    this.#budget = wanted + PASSED_OVER_MAX;
    let at = offset;
    let seen = 0;
    let shared = 0;
    for (let segment = this.#rankFirst[rank]; segment !== NONE; segment = this.#next[segment]) {
      const free = this.#free[segment];
      seen += free;
      const share = Math.min(free, Math.floor((wanted * seen) / all + rounding) - shared);
      shared += Math.max(0, share);
      this.#place[segment] = free === 0 ? 0 : this.#random.below(free);
      this.#looked[segment] = 0;
      at = this.#writeShare(segment, share, out, at);
    }
    for (let segment = this.#rankFirst[rank]; segment !== NONE; segment = this.#next[segment])
      at = this.#writeShare(segment, this.#missing, out, at);
    for (let i = 0; i < this.#passedOver && this.#missing > 0; i++, this.#missing--)
      at = this.#writeRun(this.#passedSegment[i], this.#passedPlace[i], 1, out, at);
    return at;
  }

  /** Writes at most `share` peers of a segment, from where the last call stopped. Records the peers that it passes over. */
  #writeShare(segment: number, share: number, out: DataView, offset: number): number {
    const free = this.#free[segment];
    const step = this.#step % free;
    let at = offset;
    for (let left = share; left > 0 && this.#looked[segment] < free && this.#budget > 0; this.#budget--) {
      const place = this.#place[segment];
      this.#place[segment] = place + step < free ? place + step : place + step - free;
      this.#looked[segment]++;
      if (this.#places.take(this.list.householdAt(this.cell, this.#positionOf(segment, place)))) {
        at = this.#writeRun(segment, place, 1, out, at);
        this.#missing--;
        left--;
      } else {
        this.#passedSegment[this.#passedOver] = segment;
        this.#passedPlace[this.#passedOver++] = place;
      }
    }
    return at;
  }

  /** The position of a segment's peer. `place` counts without the requester. */
  #positionOf(segment: number, place: number): number {
    const position = this.segments.starts[segment] + place;
    return this.segments.holds(segment, this.requester) && position >= this.requester
      ? position + 1
      : position;
  }

  /** Writes a segment's peers `[first, first + count)`, counted without the requester. */
  #writeRun(segment: number, first: number, count: number, out: DataView, offset: number): number {
    if (count === 0) return offset;
    const start = this.segments.starts[segment] + first;
    if (isLearned(this.segments.keys[segment]))
      this.list.countSources(this.cell, start, count, this.#counters, LEARNED_RETURNED_AT);
    if (!this.segments.holds(segment, this.requester))
      return this.list.writeCompact(this.cell, start, count, out, offset);
    const before = Math.max(0, Math.min(count, this.requester - start));
    const at = this.list.writeCompact(this.cell, start, before, out, offset);
    return this.list.writeCompact(this.cell, start + before + 1, count - before, out, at);
  }
}
