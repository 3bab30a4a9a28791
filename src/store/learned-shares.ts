/**
 * Shares the places for learned peers in a swarm among trackers. Any tracker may take a free place. When none is
 * free, a tracker that names a new peer takes a place from another tracker:
 *
 * - Unconfirmed peers (layout/key.ts) are displaced by all others.
 * - Among upstream trackers of the same standing, the one with the most places loses one, as long as it keeps at
 *   least as many as the newcomer's tracker has. So the shares become equal (max-min fairness), and a tracker below
 *   its share loses nothing.
 * - Peers of neighbors are never displaced, since the operator configured the neighbors.
 */
import type { Family } from "../model/address.ts";
import { LEARNED_SOURCES } from "../model/counters.ts";
import { isLearned, isUnconfirmed } from "./layout/key.ts";
import { SOURCES, sourceOf } from "./layout/peer.ts";
import { Segments } from "./segments.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** The standing of a learned peer, which depends on the tracker that named it. A higher standing takes precedence. */
const STANDING = { unconfirmed: 0, confirmed: 1, neighbor: 2 } as const;

/**
 * The holder of a learned peer's place, as one number: who named the peer, and whether it is unconfirmed. A tracker can
 * have peers of both kinds.
 * @param source the tracker's number.
 */
export function holderOf(unconfirmed: boolean, source: number): number {
  return 2 * source + (unconfirmed ? 1 : 0);
}

/** The number of a holder's tracker. */
function trackerOf(holder: number): number {
  return Math.floor(holder / 2);
}

/** Whether a holder's peers are unconfirmed. */
function isUnconfirmedHolder(holder: number): boolean {
  return holder % 2 === 1;
}

/** The {@link STANDING} of a holder's peers. */
export function standingOf(holder: number): number {
  if (isUnconfirmedHolder(holder)) return STANDING.unconfirmed;
  return trackerOf(holder) < LEARNED_SOURCES ? STANDING.neighbor : STANDING.confirmed;
}

const FAMILIES = [4, 6] as const satisfies readonly Family[];
const NONE = -1;

/** The shares in one swarm at a time. The caller holds the swarm's shard. */
export class LearnedShares {
  readonly #store: SwarmStore;
  readonly #segments = new Segments();
  /** The places of each holder. */
  readonly #places = new Uint16Array(2 * SOURCES);
  readonly #holders = new Set<number>();
  #entry = 0;
  #isCounted = false;

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  /** Starts with a swarm. Its peers are counted only when a peer must be displaced. */
  begin(entry: number): void {
    for (const holder of this.#holders) this.#places[holder] = 0;
    this.#holders.clear();
    this.#entry = entry;
    this.#isCounted = false;
  }

  /** Counts a learned peer of a holder that was added or removed. */
  count(holder: number, by: 1 | -1): void {
    if (this.#isCounted) this.#count(holder, by);
  }

  /**
   * Removes a peer to make room for a new peer of a holder, if the rules allow it. Positions in the swarm's lists change.
   * @returns whether a peer was removed.
   */
  displace(shard: number, own: number): boolean {
    if (!this.#isCounted) this.#countAll();
    const victim = this.#victimFor(own);
    if (victim === NONE) return false;
    for (const family of FAMILIES) {
      const position = this.#find(victim, family);
      if (position === NONE) continue;
      this.#store.removePeer(shard, this.#entry, family, position);
      this.#count(victim, -1);
      return true;
    }
    return false;
  }

  /** The holder that loses a place: of those with the lowest standing, the one with the most places. */
  #victimFor(own: number): number {
    const standing = standingOf(own);
    let victim = NONE;
    for (const holder of this.#holders) {
      const places = this.#places[holder];
      const its = standingOf(holder);
      if (places === 0 || its > standing || its === STANDING.neighbor) continue;
      const yields = its === STANDING.unconfirmed && standing > its;
      if (!yields && (holder === own || places < this.#places[own] + 2)) continue;
      if (victim === NONE || its < standingOf(victim)) victim = holder;
      else if (its === standingOf(victim) && places > this.#places[victim]) victim = holder;
    }
    return victim;
  }

  #countAll(): void {
    const store = this.#store;
    this.#isCounted = true;
    for (const family of FAMILIES) {
      const list = store.list(family);
      const cell = store.listCell(this.#entry, family);
      this.#load(family);
      const { count, keys, starts, counts } = this.#segments;
      for (let i = 0; i < count; i++) {
        if (!isLearned(keys[i])) continue;
        for (let position = starts[i]; position < starts[i] + counts[i]; position++)
          this.#count(holderOf(isUnconfirmed(keys[i]), sourceOf(list.wordBAt(cell, position))), 1);
      }
    }
  }

  /** The position of a holder's peer, or {@link NONE}. The search begins at the end, where the newest peers are. */
  #find(holder: number, family: Family): number {
    const list = this.#store.list(family);
    const cell = this.#store.listCell(this.#entry, family);
    this.#load(family);
    const { count, keys, starts, counts } = this.#segments;
    for (let i = count - 1; i >= 0; i--) {
      if (!isLearned(keys[i]) || isUnconfirmed(keys[i]) !== isUnconfirmedHolder(holder)) continue;
      for (let position = starts[i] + counts[i] - 1; position >= starts[i]; position--)
        if (sourceOf(list.wordBAt(cell, position)) === trackerOf(holder)) return position;
    }
    return NONE;
  }

  #load(family: Family): void {
    this.#store.list(family).loadSegments(this.#store.listCell(this.#entry, family), this.#segments);
  }

  #count(holder: number, by: 1 | -1): void {
    this.#places[holder] += by;
    this.#holders.add(holder);
  }
}
