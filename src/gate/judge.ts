/**
 * Judges one swarm: in which homes it is gated, and which members may meet the outside there. It knows nothing but a copy
 * of the swarm's records, and what is remembered of earlier failures.
 *
 * A swarm is *gated* in a home that can feed itself: at least two download there, and there is a live bridge, or there are
 * enough proven copies. While it is gated one copy is enough, or anybody who can stand in for a bridge. A single downloader is
 * gated only where there are more copies ({@link SEEDS_FOR_ONE}). A member is *open* where it needs the outside, and *closed*
 * otherwise. Doubt opens.
 *
 * A download that gets nothing is *idle*, and open. Where a bridge is open, it is idle at its second announce without progress:
 * a bridge that has just begun, or whose line is busy with other torrents, passes on nothing for a while. Elsewhere it is idle
 * at the first.
 */
import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import { LEECHERS_LEAST, SEEDS_FOR_ONE } from "../selection/gate-candidates.ts";
import { areSeedsEnough, BRIDGED_LIMITS, bridgeLease } from "../selection/home-census.ts";
import {
  countsAsClient,
  isComplete,
  isDuplicate,
  isLearned,
  isMarked,
  isProven,
  isUnconfirmed,
  keyOf,
  portOf,
} from "../store/layout/key.ts";
import { identityOf, leftOf } from "../store/layout/peer.ts";
import { ageOf, gotNothingTwice, idleSecondsOf } from "../store/peer-record.ts";
import { BridgeChoice, type ChoiceMemory } from "./bridge-choice.ts";
import type { BridgeFinding, HomeBridges, Progress } from "./bridge-memory.ts";
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

/** What {@link idleSecondsOf} says of a download that stalls. */
const STALLED = Number.POSITIVE_INFINITY;

/** A download that gets fewer bytes a second gets nothing. What `left` shows of large downloads is coarse. */
const LEAST_PACE = 131_072;

/** Servers have ports below this. What other trackers name there is not taken for a peer. */
const NAMED_PORTS = 1024;

/** Intervals after which a seeder that has not announced counts no more. */
const SEED_INTERVALS = 1.25;

/** What was found of one home in one swarm. */
export interface Verdict extends BridgeFinding {
  readonly home: number;
  /** What is remembered of its bridges; undefined: it is not gated so far. */
  readonly known: HomeBridges | undefined;
  /** Downloaders that have announced themselves. */
  leechers: number;
  /** Bridges that get on; proven copies, at different addresses up to {@link SEEDS_FOR_ONE}, without former bridges. */
  bridges: number;
  seeds: number;
  /** Members that bring the data in (bridge-choice.ts). */
  open: number;
  /** Downloaders that are no open bridges: got nothing since their announce before the last; at their last two announces. */
  waiting: number;
  empty: number;
  /** Open bridges that got nothing since their announce before the last. */
  waitingBridges: number;
  size: number;
  starves: boolean;
  isHeldBack: boolean;
  readonly bridge: Progress;
  readonly others: Progress;
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
export interface GateMemory extends ChoiceMemory {
  /** Whether it may not be gated in a home yet, as that has failed. */
  isHeld(home: number): boolean;
}

/** Judges swarms by one set of rules. */
export class Judge {
  /** Of each record of the last swarm: one of {@link ROLE}. */
  roles = new Uint8Array(1024);
  readonly #homes: Homes;
  readonly #settings: GateSettings;
  readonly #lease: number;
  readonly #seedLease: number;
  /**
   * The clients of the open bridges ({@link clientOf}), and whether they are marked. The duplicate record of such a client
   * has the same mark, and is open as well.
   */
  readonly #bridges = new Map<number, boolean>();
  readonly #choice: BridgeChoice;
  /** Records of the proven copies that were counted first: up to {@link SEEDS_FOR_ONE} of each home. */
  readonly #firstSeeds: number[] = [];

  constructor(homes: Homes, settings: GateSettings) {
    this.#homes = homes;
    this.#settings = settings;
    this.#lease = bridgeLease(settings.stallSeconds);
    this.#seedLease = SEED_INTERVALS * settings.interval;
    this.#choice = new BridgeChoice(homes, this.#lease, settings.stallSeconds);
  }

  /** The records of the open bridges of the last swarm. */
  get chosen(): ReadonlySet<number> {
    return this.#choice.chosen;
  }

  /** Seconds in which all downloaders announce. */
  get patience(): number {
    return this.#lease;
  }

  /** Judges a swarm. @param now seconds. @returns a verdict for each home that has peers in it; {@link roles} has the roles. */
  judge(records: SwarmRecords, memory: GateMemory, now: number): Verdict[] {
    const verdicts = this.#count(records, memory, now);
    this.#choice.choose(records, verdicts, memory, now);
    this.#bridges.clear();
    for (let i = 0; i < records.count; i++) this.#countFed(verdicts, records, i, now);
    for (const verdict of verdicts) this.#decide(verdict, memory);
    if (this.roles.length < records.count) this.roles = new Uint8Array(2 * records.count);
    for (let i = 0; i < records.count; i++) this.roles[i] = this.#roleOf(records, i, verdicts, memory, now);
    for (const verdict of verdicts) if (verdict.isGated) this.#compare(verdict, records, now);
    return verdicts;
  }

  #count(records: SwarmRecords, memory: GateMemory, now: number): Verdict[] {
    const verdicts: Verdict[] = [];
    this.#firstSeeds.length = 0;
    for (let i = 0; i < records.count; i++) {
      const key = keyOf(records.wordsA[i]);
      const home = this.#homes.of(key);
      if (home === 0 || !countsAsClient(key)) continue;
      let verdict = verdictOf(verdicts, home);
      if (verdict === undefined) {
        verdict = newVerdict(home, memory.bridgesOf(home));
        verdicts.push(verdict);
      }
      if (!isComplete(key)) this.#countLeecher(verdict, records, i, now);
      else if (
        isProven(key) &&
        ageOf(records.wordsB[i], now) <= this.#seedLease &&
        this.#homes.isReached(key)
      )
        this.#countSeed(verdict, records, i);
    }
    return verdicts;
  }

  /** Counts a proven copy, unless it was a bridge that did not pass on enough, or another one at its address counts. */
  #countSeed(verdict: Verdict, records: SwarmRecords, i: number): void {
    const former = verdict.known?.former;
    if (former !== undefined && former.size > 0 && former.has(records.endpointAt(i))) return;
    for (const seed of this.#firstSeeds)
      if (isSameAddress(records, seed, i) && this.#homes.of(keyOf(records.wordsA[seed])) === verdict.home)
        return;
    if (verdict.seeds < SEEDS_FOR_ONE) this.#firstSeeds.push(i);
    verdict.seeds++;
  }

  #countLeecher(verdict: Verdict, records: SwarmRecords, i: number, now: number): void {
    const wordA = records.wordsA[i];
    const state = records.wordsB[i];
    const left = leftOf(state);
    verdict.leechers++;
    if (left !== LEFT_MAX) verdict.size = Math.max(verdict.size, left);
    if (!isMarked(keyOf(wordA)) || !this.#homes.isReached(wordA) || ageOf(state, now) > this.#lease) return;
    if (idleSecondsOf(state, now, this.#settings.stallSeconds) !== STALLED) verdict.bridges++;
  }

  /** Counts a download among those that are fed, or are not. The open bridges are chosen. */
  #countFed(verdicts: readonly Verdict[], records: SwarmRecords, i: number, now: number): void {
    const wordA = records.wordsA[i];
    const key = keyOf(wordA);
    const home = this.#homes.of(key);
    if (home === 0 || !countsAsClient(key) || isComplete(key)) return;
    const verdict = verdictOf(verdicts, home);
    if (verdict === undefined) return;
    const state = records.wordsB[i];
    const isWaiting = this.#isWaiting(state, now);
    if (this.#choice.chosen.has(i)) {
      this.#bridges.set(clientOf(wordA, state), isMarked(key));
      verdict.open++;
      if (isWaiting) verdict.waitingBridges++;
    } else if (isWaiting) {
      verdict.waiting++;
      if (gotNothingTwice(state, now, this.#settings.stallSeconds)) verdict.empty++;
    }
  }

  #decide(verdict: Verdict, memory: GateMemory): void {
    const { home, known, leechers, bridges, seeds, open, waiting } = verdict;
    const wasGated = known !== undefined;
    const isFed =
      bridges > 0 || areSeedsEnough(seeds, leechers - 1, BRIDGED_LIMITS) || (wasGated && seeds + open > 0);
    const areIdle = areMany(idleOf(verdict), leechers);
    const isMany = leechers >= LEECHERS_LEAST || (leechers === 1 && seeds >= SEEDS_FOR_ONE);
    verdict.isGated = isMany && isFed && !areIdle && (wasGated || !memory.isHeld(home));
    verdict.hasFailed = wasGated && isMany && (!isFed || areIdle);
    verdict.starves = isPatient(verdict) && verdict.waitingBridges === open;
    verdict.isHeldBack = isPatient(verdict) && !verdict.starves && areMany(waiting, leechers);
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
    const verdict = verdictOf(verdicts, this.#homes.of(key));
    if (verdict?.isGated !== true) return ROLE.ungated;
    if (isComplete(key)) return this.#settings.seeders === "open" ? ROLE.seeder : ROLE.closed;
    const isOther = isDuplicate(key) && this.#bridges.get(clientOf(wordA, state)) === isMarked(key);
    if (this.#choice.chosen.has(i) || isOther) return ROLE.bridge;
    // Only its own group reaches it: it brings nothing to the others.
    if (isMarked(key) && !this.#homes.isReached(key)) return ROLE.bridge;
    if (this.#isIdle(verdict, state, now))
      return idleSecondsOf(state, now, this.#settings.stallSeconds) === STALLED ? ROLE.stalled : ROLE.idle;
    return memory.isKeptOpen(i) ? ROLE.kept : ROLE.closed;
  }

  /** Whether a download has got nothing since its announce before the last, as far as `left` shows it. */
  #isWaiting(state: number, now: number): boolean {
    const seconds = idleSecondsOf(state, now, this.#settings.stallSeconds);
    return seconds > 0 && !isTooCoarse(state, seconds);
  }

  /** Whether a download gets nothing ({@link idleOf}). */
  #isIdle(verdict: Verdict, state: number, now: number): boolean {
    if (!this.#isWaiting(state, now)) return false;
    return !isPatient(verdict) || gotNothingTwice(state, now, this.#settings.stallSeconds);
  }

  /** Finds out what the bridges of a gated home have, and the closed downloads. */
  #compare({ home, known, bridge, others }: Verdict, records: SwarmRecords, now: number): void {
    const areBridges = known !== undefined && known.bridges.size > 0;
    const areFormer = known !== undefined && known.former.size > 0;
    for (let i = 0; i < records.count; i++) {
      const key = keyOf(records.wordsA[i]);
      if (this.#homes.of(key) !== home) continue;
      const state = records.wordsB[i];
      const at = now - ageOf(state, now);
      if (isComplete(key)) {
        if (areBridges && known.bridges.has(records.endpointAt(i))) takeFirst(bridge, 0, at);
      } else if (this.#choice.chosen.has(i)) takeFirst(bridge, leftOf(state), at);
      else if (this.roles[i] === ROLE.closed && !(areFormer && known.former.has(records.endpointAt(i))))
        takeFirst(others, leftOf(state), at);
    }
  }
}

/** Takes what a member has left, and when it announced that, if nobody has less. */
function takeFirst(first: Progress, left: number, at: number): void {
  if (left >= first.left) return;
  first.left = left;
  first.at = at;
}

/** The verdict on a home, if it has peers. */
function verdictOf(verdicts: readonly Verdict[], home: number): Verdict | undefined {
  for (let at = 0; at < verdicts.length; at++) if (verdicts[at].home === home) return verdicts[at];
  return undefined;
}

/** Whether so many of the downloads of a home are enough to act on. */
function areMany(count: number, leechers: number): boolean {
  return count >= IDLE.least && count >= IDLE.part * leechers;
}

/** What is known of a home before its records are counted. */
function newVerdict(home: number, known: HomeBridges | undefined): Verdict {
  return {
    home,
    known,
    bridge: { left: LEFT_MAX, at: 0 },
    others: { left: LEFT_MAX, at: 0 },
    size: known?.size ?? 0,
    leechers: 0,
    bridges: 0,
    seeds: 0,
    open: 0,
    waiting: 0,
    empty: 0,
    waitingBridges: 0,
    starves: false,
    isHeldBack: false,
    isGated: false,
    hasFailed: false,
  };
}

/** Whether downloads may get nothing at one announce: a bridge is open, and has to bring the data in first. */
function isPatient({ open, seeds }: Verdict): boolean {
  return open > 0 && seeds === 0;
}

/** Downloaders that are no bridges and get nothing: at their last announce, or at the last two where a bridge is open. */
export function idleOf(verdict: Verdict): number {
  return isPatient(verdict) ? verdict.empty : verdict.waiting;
}

/** Whether `left` is too coarse to show what a download may have got in so many seconds. */
function isTooCoarse(state: number, seconds: number): boolean {
  const left = leftOf(state);
  const step = left === LEFT_MAX ? 0 : leftBytes(left) - leftBytes(left - 1);
  return step > LEAST_PACE * seconds;
}

/**
 * Whether a peer may be no peer at all: another tracker has named it, and could name any server, which subscribers could not
 * reach any more.
 */
function isNamedFalsely(wordA: number): boolean {
  const key = keyOf(wordA);
  return isLearned(key) && (isUnconfirmed(key) || portOf(wordA) < NAMED_PORTS);
}

/** Names a client within a swarm, as far as its record does: two clients may have one name. */
function clientOf(wordA: number, state: number): number {
  return portOf(wordA) * 1024 + identityOf(wordA, state);
}

function isSameAddress({ addresses, families }: SwarmRecords, a: number, b: number): boolean {
  if (families[a] !== families[b]) return false;
  for (let w = 0; w < COPY_WORDS; w++)
    if (addresses[a * COPY_WORDS + w] !== addresses[b * COPY_WORDS + w]) return false;
  return true;
}
