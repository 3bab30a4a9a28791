/** Looks at one swarm after the other, and puts what follows into the tables. */

import type { Address } from "../model/address.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import { isComplete, isMarked, keyOf } from "../store/layout/key.ts";
import { ageOf } from "../store/peer-record.ts";
import type { RefusedPairs } from "../store/refused-pairs.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { Arrival } from "../tasks/gate-task.ts";
import type { BridgeMemory } from "./bridge-memory.ts";
import { Failures } from "./failures.ts";
import { explainGate, type GateExplanation } from "./gate-explainer.ts";
import { GateTables } from "./gate-tables.ts";
import type { Homes } from "./homes.ts";
import { type GateMemory, Judge, ROLE, type SwarmState, type Verdict } from "./judge.ts";
import { Savings } from "./savings.ts";
import type { GateSettings } from "./settings.ts";
import { COPY_WORDS, SwarmRecords } from "./swarm-records.ts";
import type { UngatedSwarms } from "./ungated-swarms.ts";

const NONE = -1;

/** Tiers that GatedSwarms.settledTiers has bits of. */
const TIERS = 8;
const ALL_TIERS = (1 << TIERS) - 1;

/** Since the start. */
export interface WatchCounts {
  /** Swarms looked at. */
  looks: number;
  /** Gated swarms whose home lost its source, or whose members got nothing. */
  failed: number;
  /** Times that a member was opened as it got nothing. */
  rescued: number;
}

/** The gate's view of one store, by one set of rules. */
export class SwarmWatch {
  readonly tables: GateTables;
  readonly savings = new Savings();
  readonly counts: WatchCounts = { looks: 0, failed: 0, rescued: 0 };
  /** Swarms of the scan under way that could be gated, and are not: beyond the limits, excluded, or with too many peers. */
  readonly left = { out: 0, excluded: 0, large: 0 };
  /** The number of the present round, modulo 256. */
  round = 0;
  settings: GateSettings;
  readonly #store: SwarmStore;
  readonly #pairs: RefusedPairs;
  readonly #homes: Homes;
  readonly #failures: Failures;
  readonly #ungated: UngatedSwarms;
  readonly #records = new SwarmRecords();
  readonly #tierCounts = new Uint32Array(TIERS);
  readonly #found: number[] = [];
  #homeRoles = new Uint8Array(1024);
  #judge: Judge;

  /** @param store with counts of endpoints. */
  constructor(
    store: SwarmStore,
    hash: KeyedHash,
    homes: Homes,
    settings: GateSettings,
    ungated: UngatedSwarms,
  ) {
    const { refusedPairs } = store.traffic;
    const { endpoints } = store.limits;
    if (endpoints === undefined || refusedPairs === undefined)
      throw new Error("the store has no memory for the gate");
    this.tables = new GateTables(hash, endpoints, refusedPairs);
    this.#pairs = refusedPairs;
    this.settings = settings;
    this.#store = store;
    this.#homes = homes;
    this.#failures = new Failures(hash);
    this.#ungated = ungated;
    this.#judge = new Judge(homes, settings);
  }

  /** Takes over settings. The homes are the same. */
  adopt(settings: GateSettings): void {
    this.settings = settings;
    this.#judge = new Judge(this.#homes, settings);
  }

  /**
   * Looks at a swarm, and notes what follows.
   * @param now seconds.
   * @param why `task`: it has changed. `round`: it is gated. `scan`: all are looked at.
   * @returns false if it could not be read, because its shard was locked for too long.
   */
  look(infoHash: Uint32Array, now: number, why: "task" | "round" | "scan"): boolean {
    const isScan = why === "scan";
    const { tables } = this;
    const hash = this.#pairs.hashOf(infoHash);
    this.counts.looks++;
    const result = this.#records.read(this.#store, infoHash);
    if (result === "locked") return false;
    if (result !== "read") {
      if (isScan && result === "large") this.left.large++;
      for (const { id } of this.#homes.homes) tables.open(tables.swarms.find(hash, infoHash, id));
      return true;
    }
    const { verdicts, roles } = this.#judgeRecords(hash, infoHash, now);
    this.#noteFailures(infoHash, verdicts, now);
    const isExcluded = this.#isExcluded(infoHash);
    let withFar = verdicts.every(({ isGated, leechers }) => isGated || leechers === 0);
    let areOthers = false;
    for (const { id } of this.#homes.homes) {
      const verdict = verdicts.find(({ home }) => home === id);
      let swarm = tables.swarms.find(hash, infoHash, id);
      const isGated = verdict?.isGated === true;
      const hasRoom = isGated && !isExcluded && this.#hasRoom(verdict, swarm);
      if (isScan && isGated) this.#countCandidate(verdict, isExcluded, hasRoom);
      if (!hasRoom) {
        tables.open(swarm);
        continue;
      }
      if (swarm === NONE) swarm = tables.swarms.add(infoHash, id);
      tables.gate(swarm, verdict.leechers, this.#records, this.#rolesIn(id, roles), withFar);
      tables.swarms.rounds[swarm] = this.round;
      tables.swarms.settledTiers[swarm] = this.#settledTiers(verdict, tables.swarms.bridges[swarm].extra);
      if (this.#changeBridges(tables.swarms.bridges[swarm], verdict, now)) areOthers = true;
      withFar = false;
    }
    if (why === "task") this.tables.evaluateOutside(this.#records, roles);
    // Other bridges are to be chosen. That happens once in a while, so this ends.
    return !areOthers || this.look(infoHash, now, "round");
  }

  /**
   * Closes a downloader that has come to a swarm, if that follows from the last look at the swarm.
   * @returns false if the swarm has to be looked at instead.
   */
  close({ infoHash, address, port, key }: Arrival, now: number): boolean {
    const homes = this.#homes;
    const tier = homes.tierOf(key);
    if (!homes.isMember(key) || tier >= TIERS) return false;
    const { swarms } = this.tables;
    const swarm = swarms.find(this.#pairs.hashOf(infoHash), infoHash, homes.of(key));
    if (!swarms.isGated(swarm) || (swarms.settledTiers[swarm] & (1 << tier)) === 0) return false;
    if (this.tables.endpoints >= this.settings.maxEndpoints) return false;
    const failures = this.#failures;
    const isKeptOpen = () => failures.isHeld(failures.memberKey(infoHash, address.words, 0, port), now);
    if (!failures.isEmpty && isKeptOpen()) return false;
    return this.tables.close(swarm, address, port);
  }

  /**
   * Explains what holds for an address in a swarm. Nothing changes by it.
   * @param group of the address.
   * @returns "busy" if its shard is locked for too long; undefined if there is no such swarm, or it is too large.
   */
  explain(
    infoHash: Uint32Array,
    address: Address,
    group: number,
    now: number,
  ): GateExplanation | "busy" | undefined {
    const result = this.#records.read(this.#store, infoHash);
    if (result === "locked") return "busy";
    if (result !== "read") return undefined;
    const hash = this.#pairs.hashOf(infoHash);
    const state = this.#judgeRecords(hash, infoHash, now);
    const home = this.#homes.homes.find(({ members }) => members.has(group));
    if (home === undefined) return explainGate(state, this.tables, address);
    const { swarms } = this.tables;
    return explainGate(state, this.tables, address, {
      ...home,
      isExcluded: this.#isExcluded(infoHash),
      isHeld: this.#failures.isHeld(this.#failures.homeKey(infoHash, home.id), now),
      isInTables: swarms.isGated(swarms.find(hash, infoHash, home.id)),
    });
  }

  /**
   * The tiers of a home in which nobody who comes is to be a bridge: the policy's bridges are enough, or copies feed them
   * (bridge-choice.ts). Somebody who stands in for a bridge may be replaced by who comes.
   */
  #settledTiers({ home, seeds }: Verdict, extra: number): number {
    if (seeds > 0) return ALL_TIERS;
    const counts = this.#tierCounts.fill(0);
    let settled = 0;
    for (const i of this.#judge.chosen) {
      const key = keyOf(this.#records.wordsA[i]);
      const tier = this.#homes.tierOf(key);
      const isOwn = isMarked(key) && this.#homes.of(key) === home;
      if (isOwn && tier < TIERS && ++counts[tier] > extra) settled |= 1 << tier;
    }
    return settled;
  }

  /** Notes how the bridges of a home do. @returns whether others are to be chosen. */
  #changeBridges(memory: BridgeMemory, verdict: Verdict, now: number): boolean {
    const found = this.#findBridges(verdict.home, memory.bridges);
    const areSame = found.length === memory.bridges.size && found.every((each) => memory.bridges.has(each));
    const bridges = areSame ? memory.bridges : new Set(found);
    return memory.note(verdict, bridges, now, this.#judge.patience) !== "none";
  }

  /** The endpoints of a home's open bridges, and of those of the last ones that are complete now. The array is used again. */
  #findBridges(home: number, last: ReadonlySet<number>): readonly number[] {
    const records = this.#records;
    const { chosen } = this.#judge;
    const found = this.#found;
    found.length = 0;
    if (chosen.size + last.size === 0) return found;
    for (let i = 0; i < records.count; i++) {
      const key = keyOf(records.wordsA[i]);
      if (this.#homes.of(key) !== home) continue;
      const isBridge = isComplete(key) ? last.size > 0 && last.has(records.endpointAt(i)) : chosen.has(i);
      if (isBridge) found.push(records.endpointAt(i));
    }
    return found;
  }

  /** The roles of the present records as one home has them: members of other homes are not its own. */
  #rolesIn(home: number, roles: Uint8Array): Uint8Array {
    if (this.#homes.homes.length === 1) return roles;
    const { count, wordsA } = this.#records;
    if (this.#homeRoles.length < count) this.#homeRoles = new Uint8Array(roles.length);
    for (let i = 0; i < count; i++) {
      const isOther = roles[i] >= ROLE.bridge && this.#homes.of(keyOf(wordsA[i])) !== home;
      this.#homeRoles[i] = isOther ? ROLE.other : roles[i];
    }
    return this.#homeRoles;
  }

  #isExcluded(infoHash: Uint32Array): boolean {
    return !this.settings.exclude.allows(infoHash) || !this.#ungated.allows(infoHash);
  }

  #judgeRecords(hash: number, infoHash: Uint32Array, now: number): SwarmState {
    const records = this.#records;
    const failures = this.#failures;
    const { swarms } = this.tables;
    const memory: GateMemory = {
      bridgesOf: (home) => {
        const swarm = swarms.find(hash, infoHash, home);
        return swarms.isGated(swarm) ? swarms.bridges[swarm] : undefined;
      },
      isHeld: (home) => failures.isHeld(failures.homeKey(infoHash, home), now),
      isKeptOpen: (i) => !failures.isEmpty && failures.isHeld(this.#memberKey(infoHash, i), now),
    };
    const verdicts = this.#judge.judge(records, memory, now);
    return { verdicts, records, roles: this.#judge.roles };
  }

  #memberKey(infoHash: Uint32Array, i: number): number {
    const records = this.#records;
    return this.#failures.memberKey(infoHash, records.addresses, i * COPY_WORDS, records.portAt(i));
  }

  #noteFailures(infoHash: Uint32Array, verdicts: readonly Verdict[], now: number): void {
    const failures = this.#failures;
    const { stallSeconds } = this.settings;
    for (const { home, hasFailed } of verdicts) {
      if (!hasFailed) continue;
      this.counts.failed++;
      failures.note(failures.homeKey(infoHash, home), now, now, stallSeconds);
    }
    const records = this.#records;
    for (let i = 0; i < records.count; i++) {
      const role = this.#judge.roles[i];
      if (role !== ROLE.idle && role !== ROLE.stalled) continue;
      // The clocks of workers and this thread differ by a second: a moment is the announce's, whichever look finds it.
      const at = now - ageOf(records.wordsB[i], now);
      if (failures.note(this.#memberKey(infoHash, i), at, now, stallSeconds)) this.counts.rescued++;
    }
  }

  #countCandidate({ leechers }: Verdict, isExcluded: boolean, hasRoom: boolean): void {
    if (isExcluded) this.left.excluded++;
    else this.savings.add(leechers, this.#records.count);
    if (!isExcluded && !hasRoom) this.left.out++;
  }

  /** Whether a swarm may be gated beside the others. One that is gated stays so until the next scan. @param swarm its row, or -1. */
  #hasRoom({ leechers }: Verdict, swarm: number): boolean {
    const { maxTorrents, maxEndpoints } = this.settings;
    if (leechers < this.savings.least) return false;
    if (this.tables.swarms.isGated(swarm)) return true;
    return this.tables.gated < maxTorrents && this.tables.endpoints + this.#records.count <= maxEndpoints;
  }
}
