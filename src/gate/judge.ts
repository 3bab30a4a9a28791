/**
 * Judges one swarm: in which homes it is gated, and which members may meet the outside there. It knows nothing but a copy
 * of the swarm's records, and what is remembered of earlier failures.
 *
 * A swarm is *gated* in a home that can feed itself: at least two download there, and there is a live bridge, or there are
 * enough proven copies. While it is gated one copy is enough. A single downloader is gated only where there are more copies
 * ({@link SEEDS_FOR_ONE}). A member is *open* where it needs the outside, and *closed* otherwise. Doubt opens.
 */
import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import { areSeedsEnough, BRIDGED_LIMITS, bridgeLease } from "../selection/bridged.ts";
import { LEECHERS_LEAST, SEEDS_FOR_ONE } from "../selection/gate-candidates.ts";
import {
  countsAsClient,
  isComplete,
  isLearned,
  isMarked,
  isProven,
  isUnconfirmed,
  keyOf,
  portOf,
} from "../store/layout/key.ts";
import { leftOf } from "../store/layout/peer.ts";
import { ageOf, idleSecondsOf } from "../store/peer-record.ts";
import type { Homes } from "./homes.ts";
import type { GateSettings } from "./settings.ts";
import { COPY_WORDS, type SwarmRecords } from "./swarm-records.ts";

/** What a record is to the gate. From `bridge` on it is a member's. */
export const ROLE = {
  /** Of no home, and of a group that the gate does not apply to. */
  outside: 0,
  other: 1,
  /** Members that are open: why. */
  bridge: 2,
  stalled: 3,
  /** It has got nothing since its announce before the last. */
  idle: 4,
  /** It got nothing a while ago. */
  kept: 5,
  seeder: 6,
  learned: 7,
  /** The swarm is not gated in its home. */
  ungated: 8,
  closed: 9,
} as const;

/** The gate of a home has failed when so many members, and this part of its downloaders, get nothing. */
const IDLE = { least: 2, part: 0.5 } as const;

/** What {@link idleSeconds} says of a download that stalls. */
const STALLED = Number.POSITIVE_INFINITY;

/** A download that gets fewer bytes a second gets nothing. What `left` shows of large downloads is coarse. */
const LEAST_PACE = 131_072;

/** Servers have ports below this. What other trackers name there is not taken for a peer. */
const NAMED_PORTS = 1024;

/** Intervals after which a seeder that has not announced counts no more. */
const SEED_INTERVALS = 1.25;

/** What was found of one home in one swarm. */
export interface Verdict {
  readonly home: number;
  /** Downloaders that have announced themselves. */
  leechers: number;
  /** Bridges that get on; proven copies, at different addresses up to {@link SEEDS_FOR_ONE}. */
  bridges: number;
  seeds: number;
  /** Downloaders that are no bridges and get nothing. */
  idle: number;
  isGated: boolean;
  /** It was gated, and members need the outside: their source is lost, or too many get nothing. */
  hasFailed: boolean;
}

/** How a swarm stands: a copy of its records, what follows for each home, and the role of each record. */
export interface SwarmState {
  readonly verdicts: readonly Verdict[];
  readonly records: SwarmRecords;
  readonly roles: Uint8Array;
}

/** What is remembered of the swarm that is judged. */
export interface GateMemory {
  /** Whether it is gated in a home so far. */
  isGated(home: number): boolean;
  /** Whether it may not be gated in a home yet, as that has failed. */
  isHeld(home: number): boolean;
  /** Whether the member of a record stays open for now, as it got nothing. */
  isKeptOpen(record: number): boolean;
}

/** Judges swarms by one set of rules. */
export class Judge {
  /** Of each record of the last swarm: one of {@link ROLE}. */
  roles = new Uint8Array(1024);
  readonly #homes: Homes;
  readonly #settings: GateSettings;
  readonly #lease: number;
  readonly #seedLease: number;

  constructor(homes: Homes, settings: GateSettings) {
    this.#homes = homes;
    this.#settings = settings;
    this.#lease = bridgeLease(settings.stallSeconds);
    this.#seedLease = SEED_INTERVALS * settings.interval;
  }

  /** Judges a swarm. @param now seconds. @returns a verdict for each home that has peers in it; {@link roles} has the roles. */
  judge(records: SwarmRecords, memory: GateMemory, now: number): Verdict[] {
    const verdicts = this.#count(records, now);
    for (const verdict of verdicts) this.#decide(verdict, memory);
    if (this.roles.length < records.count) this.roles = new Uint8Array(2 * records.count);
    for (let i = 0; i < records.count; i++) this.roles[i] = this.#roleOf(records, i, verdicts, memory, now);
    return verdicts;
  }

  #count(records: SwarmRecords, now: number): Verdict[] {
    const verdicts: Verdict[] = [];
    const firstSeeds: number[][] = [];
    for (let i = 0; i < records.count; i++) {
      const key = keyOf(records.wordsA[i]);
      const home = this.#homes.of(key);
      if (home === 0 || !countsAsClient(key)) continue;
      let at = verdicts.findIndex((verdict) => verdict.home === home);
      if (at === -1) {
        at = verdicts.length;
        firstSeeds.push([]);
        verdicts.push({ home, leechers: 0, bridges: 0, seeds: 0, idle: 0, isGated: false, hasFailed: false });
      }
      const state = records.wordsB[i];
      const verdict = verdicts[at];
      if (!isComplete(key)) this.#countLeecher(verdict, records, i, now);
      else if (isProven(key) && ageOf(state, now) <= this.#seedLease && this.#homes.isReached(key)) {
        const first = firstSeeds[at];
        if (first.some((seed) => isSameAddress(records, seed, i))) continue;
        if (first.length < SEEDS_FOR_ONE) first.push(i);
        verdict.seeds++;
      }
    }
    return verdicts;
  }

  #countLeecher(verdict: Verdict, records: SwarmRecords, i: number, now: number): void {
    const { stallSeconds } = this.#settings;
    const wordA = records.wordsA[i];
    const state = records.wordsB[i];
    verdict.leechers++;
    if (!isMarked(keyOf(wordA))) {
      if (idleSeconds(state, now, stallSeconds) > 0) verdict.idle++;
      return;
    }
    if (ageOf(state, now) > this.#lease || idleSeconds(state, now, stallSeconds) === STALLED) return;
    if (this.#homes.isReached(wordA)) verdict.bridges++;
  }

  #decide(verdict: Verdict, memory: GateMemory): void {
    const { home, leechers, bridges, seeds, idle } = verdict;
    const wasGated = memory.isGated(home);
    const isFed =
      bridges > 0 || areSeedsEnough(seeds, leechers - 1, BRIDGED_LIMITS) || (wasGated && seeds > 0);
    const areIdle = idle >= IDLE.least && idle >= IDLE.part * leechers;
    const isMany = leechers >= LEECHERS_LEAST || (leechers === 1 && seeds >= SEEDS_FOR_ONE);
    verdict.isGated = isMany && isFed && !areIdle && (wasGated || !memory.isHeld(home));
    verdict.hasFailed = wasGated && isMany && (!isFed || areIdle);
  }

  #roleOf(
    records: SwarmRecords,
    i: number,
    verdicts: readonly Verdict[],
    memory: GateMemory,
    now: number,
  ): number {
    const wordA = records.wordsA[i];
    const state = records.wordsB[i];
    const key = keyOf(wordA);
    if (this.#homes.isOutside(key)) return isNamedFalsely(wordA) ? ROLE.other : ROLE.outside;
    if (!this.#homes.isMember(key)) return ROLE.other;
    if (isLearned(key)) return ROLE.learned;
    const home = this.#homes.of(key);
    if (verdicts.find((verdict) => verdict.home === home)?.isGated !== true) return ROLE.ungated;
    if (isComplete(key)) return this.#settings.seeders === "open" ? ROLE.seeder : ROLE.closed;
    if (isMarked(key)) return ROLE.bridge;
    const idle = idleSeconds(state, now, this.#settings.stallSeconds);
    if (idle === STALLED) return ROLE.stalled;
    if (idle > 0) return ROLE.idle;
    return memory.isKeptOpen(i) ? ROLE.kept : ROLE.closed;
  }
}

/**
 * Seconds for which a download has got nothing, by its last announce; Infinity if it stalls; 0 as long as nothing can be
 * said: it is new, or `left` is too coarse to show what it may have got.
 */
function idleSeconds(state: number, now: number, stallSeconds: number): number {
  const seconds = idleSecondsOf(state, now, stallSeconds);
  const left = leftOf(state);
  const step = left === LEFT_MAX ? 0 : leftBytes(left) - leftBytes(left - 1);
  return step > LEAST_PACE * seconds ? 0 : seconds;
}

/**
 * Whether a peer may be no peer at all: another tracker has named it, and could name any server, which subscribers could not
 * reach any more.
 */
function isNamedFalsely(wordA: number): boolean {
  const key = keyOf(wordA);
  return isLearned(key) && (isUnconfirmed(key) || portOf(wordA) < NAMED_PORTS);
}

function isSameAddress({ addresses, families }: SwarmRecords, a: number, b: number): boolean {
  if (families[a] !== families[b]) return false;
  for (let w = 0; w < COPY_WORDS; w++)
    if (addresses[a * COPY_WORDS + w] !== addresses[b * COPY_WORDS + w]) return false;
  return true;
}
