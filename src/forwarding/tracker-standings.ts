/**
 * Decides which upstream trackers are *confirmed*: recently used by clients at several addresses. Any client can name its
 * own tracker, which can return false peers for any swarm. So the peers of an unconfirmed tracker are returned only to the
 * clients of that tracker. A tracker is identified by host and port, whatever the scheme.
 *
 * This file also assigns the source numbers that identify trackers in the store. The numbers are limited, and one household
 * can use only a part of them. The peers of a tracker without a number are passed to the waiting clients and not stored. A
 * number is reused when no peer with it can be in the store any more.
 */
import { type Address, householdOf } from "../model/address.ts";
import { LEARNED_SOURCES } from "../model/counters.ts";
import { KEPT_MOST } from "./reply-facts.ts";

/** The number of households that must use a tracker to confirm it. */
export const CONFIRMING_ADDRESSES = 3;

/** How long an address counts after its last answer from the tracker. Seconds. */
const USED_SECONDS = 7200;

/** The maximum number of stored addresses of a tracker and family: the latest ones. */
const MOST_ADDRESSES = 8;

/** When a number is free after the last use of its tracker: its peers expire after {@link KEPT_MOST}, and are swept later. */
const NUMBER_SECONDS = KEPT_MOST + 1800;

/** The limits of {@link TrackerStandings}. */
export interface StandingLimits {
  /** Trackers with a number. */
  readonly maxTrackers: number;
  /** Trackers with a number that one household uses. */
  readonly maxPerHousehold: number;
}

const LIMITS: StandingLimits = { maxTrackers: 4096, maxPerHousehold: 256 };

/** The standing of one tracker. */
export interface TrackerStanding {
  /** Its number in the store (store/layout/peer.ts). */
  readonly source: number;
  readonly isConfirmed: boolean;
}

interface Known {
  readonly source: number;
  usedAt: number;
  /** The time of the last answer to each household, the earliest first, by address family. */
  readonly households: { readonly 4: Map<string, number>; readonly 6: Map<string, number> };
}

/** The standings of all upstream trackers. Times in seconds. */
export class TrackerStandings {
  /** Answers of trackers without a number. */
  unnumbered = 0;
  readonly #limits: StandingLimits;
  /** By name, the least recently used first. */
  readonly #trackers = new Map<string, Known>();
  /** The number of trackers that each household uses. */
  readonly #used = new Map<string, number>();
  readonly #freeSources: number[] = [];

  constructor(limits: StandingLimits = LIMITS) {
    this.#limits = limits;
    for (let i = limits.maxTrackers - 1; i >= 0; i--) this.#freeSources.push(LEARNED_SOURCES + i);
  }

  /** Trackers that have a number. */
  get size(): number {
    return this.#trackers.size;
  }

  /**
   * Records that a tracker has answered a client.
   * @param name host and port.
   * @returns undefined when the tracker gets no number.
   */
  use(name: string, client: Address, now: number): TrackerStanding | undefined {
    this.#forget(now);
    const key = name.toLowerCase();
    const household = householdOf(client);
    const known = this.#trackers.get(key) ?? this.#admit(household, now);
    if (known === undefined) {
      this.unnumbered++;
      return undefined;
    }
    known.usedAt = now;
    this.#trackers.delete(key);
    this.#trackers.set(key, known);
    this.#note(known.households[client.family], household, now);
    return { source: known.source, isConfirmed: isConfirmed(known, now) };
  }

  /** Whether a tracker is confirmed. */
  isConfirmed(name: string, now: number): boolean {
    const known = this.#trackers.get(name.toLowerCase());
    return known !== undefined && isConfirmed(known, now);
  }

  /** Adds a tracker, if the limit of its first household allows it and a number is free. */
  #admit(household: string, now: number): Known | undefined {
    if ((this.#used.get(household) ?? 0) >= this.#limits.maxPerHousehold) return undefined;
    const source = this.#freeSources.pop();
    if (source === undefined) return undefined;
    return { source, usedAt: now, households: { 4: new Map(), 6: new Map() } };
  }

  /** Records that a household uses a tracker, unless it uses too many others. */
  #note(households: Map<string, number>, household: string, now: number): void {
    for (const [other, at] of households) {
      if (at + USED_SECONDS > now) break;
      this.#leave(households, other);
    }
    if (!households.delete(household)) {
      const used = this.#used.get(household) ?? 0;
      if (used >= this.#limits.maxPerHousehold) return;
      this.#used.set(household, used + 1);
      const [oldest] = households.keys();
      if (households.size >= MOST_ADDRESSES) this.#leave(households, oldest);
    }
    households.set(household, now);
  }

  #leave(households: Map<string, number>, household: string): void {
    households.delete(household);
    const used = this.#used.get(household)! - 1;
    if (used > 0) this.#used.set(household, used);
    else this.#used.delete(household);
  }

  /** Removes trackers that have not been used for {@link NUMBER_SECONDS}. */
  #forget(now: number): void {
    for (const [name, { usedAt, source, households }] of this.#trackers) {
      if (usedAt + NUMBER_SECONDS > now) return;
      this.#trackers.delete(name);
      this.#freeSources.push(source);
      for (const family of [households[4], households[6]])
        for (const household of family.keys()) this.#leave(family, household);
    }
  }
}

/** The families are counted separately: one client may have an address of each. */
function isConfirmed({ households }: Known, now: number): boolean {
  return [households[4], households[6]].some((family) => {
    const lately = [...family.values()].filter((at) => at + USED_SECONDS > now);
    return lately.length >= CONFIRMING_ADDRESSES;
  });
}
