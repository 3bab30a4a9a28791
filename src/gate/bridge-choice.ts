/**
 * Chooses the members that bring the data of a gated swarm into their home: its *open bridges*. The policy marks more clients
 * as bridges than that, as soon as they fall behind. Two open bridges fetch many pieces twice. So there is one at first. It is
 * replaced when it is lost, and when it does not pass on what it gets. There is one more when it gets nothing itself
 * (bridge-memory.ts). Once there is a complete copy at home, bridges stay open until they are complete, and no other is opened.
 * Where only copies feed a home that were no bridges, one member is opened that the policy marks, as it gets on too slowly.
 *
 * Each tier of a home has its own, as a partner has its own line to the outside.
 */
import { countsAsClient, isComplete, isMarked, keyOf } from "../store/layout/key.ts";
import { leftOf } from "../store/layout/peer.ts";
import { ageOf, gotNothingTwice } from "../store/peer-record.ts";
import type { HomeBridges } from "./bridge-memory.ts";
import type { Homes } from "./homes.ts";
import type { SwarmRecords } from "./swarm-records.ts";

/** A home of the swarm that is judged. */
interface CountedHome {
  readonly home: number;
  /** Proven copies. */
  readonly seeds: number;
}

/** What is remembered of the bridges of the swarm that is judged. */
export interface ChoiceMemory {
  /** Of a home where the swarm is gated so far; undefined: it is not gated there. */
  bridgesOf(home: number): HomeBridges | undefined;
  /** Whether a member may meet the outside so far, as it got nothing. */
  isKeptOpen(record: number): boolean;
}

/** The bridges of one tier of a home. */
interface Line {
  readonly home: number;
  readonly tier: number;
  readonly extra: number;
  /** Undefined: the swarm is not gated in the home so far. */
  readonly bridges: HomeBridges | undefined;
  /** Which members are chosen beside the present bridges. */
  readonly takes: "all" | "marked" | "none";
  /** The best record of the present pass, or -1, with its rank. */
  best: number;
  rank: number;
}

/**
 * Ranks of candidates: former bridges come last, the present ones stay. Who is open as it got nothing comes before who is
 * closed, and the policy's bridges come before others.
 */
const FORMER = 8;
const NEW = 4;
const CLOSED = 2;
const UNMARKED = 1;

/** Chooses the open bridges of one swarm after the other. */
export class BridgeChoice {
  /** The records of the open bridges of the last swarm. */
  readonly chosen = new Set<number>();
  readonly #homes: Homes;
  readonly #lease: number;
  readonly #stallSeconds: number;
  readonly #lines: Line[] = [];

  /** @param lease seconds after its last announce until a bridge counts no more. */
  constructor(homes: Homes, lease: number, stallSeconds: number) {
    this.#homes = homes;
    this.#lease = lease;
    this.#stallSeconds = stallSeconds;
  }

  /**
   * Chooses {@link chosen}. Each pass over the records finds one bridge of every line.
   * @param homes of the swarm. @param now seconds.
   */
  choose(records: SwarmRecords, homes: readonly CountedHome[], memory: ChoiceMemory, now: number): void {
    this.chosen.clear();
    this.#lines.length = 0;
    for (let pass = 0, isMore = true; isMore; pass++) {
      for (const line of this.#lines) line.best = -1;
      for (let i = 0; i < records.count; i++) {
        if (!this.#isCandidate(records, i, now) || this.chosen.has(i)) continue;
        const line = this.#lineOf(keyOf(records.wordsA[i]), homes, memory);
        if (pass <= line.extra) consider(line, records, i, memory);
      }
      isMore = false;
      for (const { best, extra } of this.#lines) {
        if (best === -1) continue;
        this.chosen.add(best);
        isMore ||= pass < extra;
      }
    }
  }

  #isCandidate(records: SwarmRecords, i: number, now: number): boolean {
    const key = keyOf(records.wordsA[i]);
    const homes = this.#homes;
    if (!homes.isMember(key) || !countsAsClient(key) || isComplete(key) || !homes.isReached(key))
      return false;
    const state = records.wordsB[i];
    return ageOf(state, now) <= this.#lease && !gotNothingTwice(state, now, this.#stallSeconds);
  }

  #lineOf(key: number, homes: readonly CountedHome[], memory: ChoiceMemory): Line {
    const home = this.#homes.of(key);
    const tier = this.#homes.tierOf(key);
    for (const line of this.#lines) if (line.home === home && line.tier === tier) return line;
    const bridges = memory.bridgesOf(home);
    const takes = newMembersOf(bridges, homes.find((each) => each.home === home)?.seeds ?? 0);
    const line = { home, tier, extra: bridges?.extra ?? 0, bridges, takes, best: -1, rank: 0 };
    this.#lines.push(line);
    return line;
  }
}

/**
 * The complete copy of a bridge is enough: bridge-memory.ts says when it is not. Other copies may send slowly, and the policy
 * marks who gets on too slowly then.
 */
function newMembersOf(bridges: HomeBridges | undefined, seeds: number): Line["takes"] {
  if (bridges === undefined || seeds === 0) return "all";
  return bridges.bridges.size === 0 ? "marked" : "none";
}

/** Compares a candidate with the best one of its line. */
function consider(line: Line, records: SwarmRecords, i: number, memory: ChoiceMemory): void {
  const { bridges } = line;
  const isBridge = isMarked(keyOf(records.wordsA[i]));
  // The policy's bridge is where the gate of a home begins.
  if (bridges === undefined && !isBridge) return;
  const endpoint = records.endpointAt(i);
  const isPresent = bridges?.bridges.has(endpoint) === true;
  if (!isPresent && (line.takes === "none" || (line.takes === "marked" && !isBridge))) return;
  const isFormer = bridges?.former.has(endpoint) === true;
  const isClosed = !isPresent && !memory.isKeptOpen(i);
  const rank =
    (isFormer ? FORMER : 0) + (isPresent ? 0 : NEW) + (isClosed ? CLOSED : 0) + (isBridge ? 0 : UNMARKED);
  if (line.best !== -1) {
    if (rank > line.rank) return;
    if (rank === line.rank && leftOf(records.wordsB[i]) >= leftOf(records.wordsB[line.best])) return;
  }
  line.best = i;
  line.rank = rank;
}
