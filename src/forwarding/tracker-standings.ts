/**
 * Which external trackers are *confirmed*: used by clients at several addresses lately. Anybody can name a tracker of his
 * own, which answers what he likes, for any torrent; so the peers of a tracker that is not confirmed are for its own
 * clients alone. A tracker is its host and port, whatever the scheme.
 *
 * Here trackers also get the numbers by which peers in the store are told apart. There are so many of them, and one
 * household can use up only a part; a tracker that gets none has its peers passed on to whoever is waiting, and stored
 * nowhere. A number is given anew when no peer with it can be in the store any more.
 */
import { type Address, householdOf } from "../model/address.ts";
import { LEARNED_SOURCES } from "../model/counters.ts";
import { KEPT_MOST } from "./reply-facts.ts";

/** Addresses (households) that have to use a tracker for it to be confirmed. */
export const CONFIRMING_ADDRESSES = 3;

/** An address counts for so long after its last answer from the tracker. Seconds. */
const USED_SECONDS = 7200;

/** Addresses that are remembered of a tracker, of each family. With more, those seen last. */
const MOST_ADDRESSES = 8;

/** A number is free so long after its tracker was last used: its peers are kept {@link KEPT_MOST}, and swept some minutes later. */
const NUMBER_SECONDS = KEPT_MOST + 1800;

/** How many of what there may be. */
export interface StandingLimits {
  /** Trackers that have a number. */
  readonly maxTrackers: number;
  /** Those among them that one household counts for. */
  readonly maxPerHousehold: number;
}

const LIMITS: StandingLimits = { maxTrackers: 4096, maxPerHousehold: 256 };

/** What a tracker's peers count. */
export interface TrackerStanding {
  /** Its number in the store (store/peer-record.ts). */
  readonly source: number;
  readonly isConfirmed: boolean;
}

interface Known {
  readonly source: number;
  usedAt: number;
  /** When each household last had an answer from it, the least recent first. An address counts in its family alone. */
  readonly households: { readonly 4: Map<string, number>; readonly 6: Map<string, number> };
}

/** The standings of all external trackers. Times in seconds. */
export class TrackerStandings {
  /** Answers of trackers that got no number. */
  unnumbered = 0;
  readonly #limits: StandingLimits;
  /** By name, the least recently used first. */
  readonly #trackers = new Map<string, Known>();
  /** Trackers that each household counts for. */
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
   * Notes that a tracker has answered a client.
   * @param name its host and port.
   * @returns undefined when there is no number for it.
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

  /** One more tracker, if its first household may have one more and there is a number. */
  #admit(household: string, now: number): Known | undefined {
    if ((this.#used.get(household) ?? 0) >= this.#limits.maxPerHousehold) return undefined;
    const source = this.#freeSources.pop();
    if (source === undefined) return undefined;
    return { source, usedAt: now, households: { 4: new Map(), 6: new Map() } };
  }

  /** A household uses a tracker; it counts, unless it counts for too many others. */
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

  /** Forgets trackers that have not been used for long. */
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

/** The families are counted apart: one client may have an address of either. */
function isConfirmed({ households }: Known, now: number): boolean {
  return [households[4], households[6]].some((family) => {
    const lately = [...family.values()].filter((at) => at + USED_SECONDS > now);
    return lately.length >= CONFIRMING_ADDRESSES;
  });
}
