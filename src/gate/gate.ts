/**
 * The gate: holds the policy `bridged` where packets pass. It finds out which swarms a home can feed itself, and who of its
 * members may meet the outside. Routers get that as lists (gate-lists.ts), and refuse the rest.
 *
 * The data plane says which swarms have changed (tracker/gate-notices.ts). They are looked at at once. Besides, a round
 * looks at all gated swarms and their outside endpoints again, every fifteen seconds or less often, as leases end; and once
 * a minute at all swarms, so that what the data plane could not say is found. All of it runs on the control plane, in slices
 * with rests.
 */
import { INFO_HASH_WORDS, infoHashBytes } from "../model/info-hash.ts";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { restAfter } from "../platform/rest.ts";
import { mayBeGated } from "../selection/gate-candidates.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import { SCAN_RETRIES, SHARD_WAIT_MS } from "../store/shard-lock.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { Arrival } from "../tasks/gate-task.ts";
import { GateLists } from "./gate-lists.ts";
import { GateTotals } from "./gate-totals.ts";
import { describeHomes, Homes } from "./homes.ts";
import { PendingSwarms } from "./pending-swarms.ts";
import { RouterReports } from "./router-reports.ts";
import type { GateSettings } from "./settings.ts";
import { SwarmWatch } from "./swarm-watch.ts";
import { UngatedSwarms } from "./ungated-swarms.ts";

/** A round rests after this much work. */
const SLICE_MS = 0.5;

/**
 * A round finds leases and holds that have ended. They last for half the stall time at least, so it may be late by a small
 * part of that: seconds between two rounds, by seconds of stalling, within limits of milliseconds.
 */
const ROUND_PART = 1 / 40;
const ROUND_MS = { least: 1000, most: 15_000 } as const;

/** Milliseconds between two scans of all swarms, at least. */
const SCAN_MS = 60_000;

/** Numbers of rounds (GatedSwarms.rounds). */
const ROUNDS = 256;

/** Swarms whose info-hashes are copied before a shard is let go; addresses that are evaluated in one go. */
const HOLD = 64;
const SWEEP = 64;

/** What the gate is made of. */
export interface GateOptions {
  /** With counts of endpoints. */
  readonly store: SwarmStore;
  /** For the gate's own tables, with a key that clients cannot know. */
  readonly hash: KeyedHash;
  readonly settings: GateSettings;
  readonly groups: PeerGroupsData;
  /** Names this start of the tracker. */
  readonly tracker: string;
  /** Seconds, by the clock of the store (platform/clock.ts). */
  readonly now: () => number;
}

/** How long things took last. Milliseconds. */
export interface GateTimes {
  /** A round, with rests; and of that, work. */
  roundMs: number;
  roundWorkMs: number;
  /** The last scan of all swarms, with the rounds that it was part of. */
  scanWorkMs: number;
}

/** The gate of one tracker. */
export class Gate {
  readonly lists: GateLists;
  readonly pending: PendingSwarms;
  readonly totals = new GateTotals();
  readonly routers = new RouterReports(this.totals);
  readonly times: GateTimes = { roundMs: 0, roundWorkMs: 0, scanWorkMs: 0 };
  readonly #ungated = new UngatedSwarms();
  readonly #store: SwarmStore;
  readonly #hash: KeyedHash;
  readonly #now: () => number;
  readonly #stop = new AbortController();
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  readonly #arrival = new Arrival();
  readonly #held = new Uint32Array(HOLD * INFO_HASH_WORDS);
  #watch: SwarmWatch;
  #left = { out: 0, excluded: 0, large: 0 };
  /** The work of the present round, a step at a time. */
  #round: Iterator<void> | undefined;
  #roundBegan = 0;
  #roundWork = 0;
  #nextRoundAt = 0;
  #nextScanAt = 0;
  #wake: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor({ store, hash, settings, groups, tracker, now }: GateOptions) {
    this.#now = now;
    this.#store = store;
    this.#hash = hash;
    const homes = new Homes(groups, settings);
    this.pending = new PendingSwarms((infoHash) => hash.hash(infoHash, 0, INFO_HASH_WORDS, 0));
    this.#watch = new SwarmWatch(this.#store, this.#hash, homes, settings, this.#ungated);
    this.lists = new GateLists(tracker, this.#watch.tables, describeHomes(homes, groups), () =>
      performance.now(),
    );
  }

  /** What is gated. */
  get watch(): SwarmWatch {
    return this.#watch;
  }

  /** Swarms that could be gated, and were not by the last scan. */
  get left(): { readonly out: number; readonly excluded: number; readonly large: number } {
    return this.#left;
  }

  /** Adopts settings and groups. When the homes change, followers connect again. */
  adopt(settings: GateSettings, groups: PeerGroupsData): void {
    const homes = new Homes(groups, settings);
    const described = describeHomes(homes, groups);
    if (JSON.stringify(described) === JSON.stringify(this.lists.homes)) {
      this.#watch.adopt(settings);
    } else {
      this.#watch = new SwarmWatch(this.#store, this.#hash, homes, settings, this.#ungated);
      this.#store.traffic.refusedPairs?.clear();
      this.lists.replace(this.#watch.tables, described);
    }
    this.#round = undefined;
    this.#nextRoundAt = 0;
    this.#nextScanAt = 0;
    this.#wake();
  }

  /** Begins to look at swarms. */
  start(): void {
    this.#running = this.#run();
  }

  /** Stops, and ends all streams. Routers let everything through soon. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
    this.lists.end();
  }

  /** Notes whether routers hold the policy now: only then does the estimate of avoided traffic count what they refuse. */
  checkRouters(): void {
    const pairs = this.#store.traffic.refusedPairs;
    if (pairs !== undefined) pairs.areEnforced = this.routers.areRefusing(Date.now());
  }

  /** Whether the estimate counts what routers refuse, and pairs that it left out since the start. */
  get estimate(): { readonly isOn: boolean; readonly leftOut: number } {
    const pairs = this.#store.traffic.refusedPairs;
    return { isOn: pairs?.areEnforced === true, leftOut: pairs?.full ?? 0 };
  }

  /** Has a swarm looked at soon, or closes the downloader that has come to it. @param task its bytes (tasks/gate-task.ts), or an info-hash. */
  request(task: Uint8Array): void {
    const isClosed = this.#arrival.read(task) && this.#watch.close(this.#arrival, this.#now());
    if (!isClosed) this.pending.add(task);
    this.#wake();
  }

  /** Never gates a swarm from now on: its members need the outside. @param infoHash its bytes. */
  ungate(infoHash: Uint8Array): void {
    this.#ungated.add(infoHash);
    this.request(infoHash);
  }

  /** Does what is due, without rests; for tests and benchmarks. @param isAll whether a round and a scan are due. */
  settle(isAll: boolean): void {
    this.#round = undefined;
    this.#nextRoundAt = isAll ? 0 : Number.POSITIVE_INFINITY;
    if (isAll) this.#nextScanAt = 0;
    while (this.#work(Number.POSITIVE_INFINITY));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const began = performance.now();
      const isMore = this.#work(began + SLICE_MS);
      this.lists.publish();
      if (isMore) await restAfter(performance.now() - began);
      else await this.#idle();
    }
  }

  /** Waits for a request, or for the next round. */
  async #idle(): Promise<void> {
    if (this.pending.size > 0 || this.#stop.signal.aborted) return;
    const wait = Math.max(0, this.#nextRoundAt - performance.now());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#wake = () => {
        this.#wake = () => {};
        clearTimeout(timer);
        // Other requests of this turn are done with it.
        resolve();
      };
    });
  }

  /** Works until a moment. @returns whether there is more to do now. */
  #work(until: number): boolean {
    while (this.pending.take(this.#infoHash)) {
      if (!this.#look("task") || performance.now() >= until) return true;
    }
    const began = performance.now();
    if (this.#round === undefined) {
      if (began < this.#nextRoundAt) return false;
      this.#round = this.#makeRound(began >= this.#nextScanAt);
      this.#roundBegan = began;
      this.#roundWork = 0;
    }
    let isDone = false;
    do isDone = this.#round.next().done === true;
    while (!isDone && performance.now() < until);
    const now = performance.now();
    this.#roundWork += now - began;
    if (!isDone) return true;
    this.#round = undefined;
    this.#nextRoundAt = this.#roundBegan + roundMs(this.#watch.settings);
    this.times.roundMs = now - this.#roundBegan;
    this.times.roundWorkMs = this.#roundWork;
    return false;
  }

  /** Looks at the present swarm: again soon, if its shard is locked for too long. @returns whether it could be read. */
  #look(why: "task" | "round" | "scan"): boolean {
    const isRead = this.#watch.look(this.#infoHash, this.#now(), why);
    if (!isRead) this.pending.add(infoHashBytes(this.#infoHash));
    return isRead;
  }

  *#makeRound(isScan: boolean): Generator<void> {
    const watch = this.#watch;
    const { tables } = watch;
    watch.round = (watch.round + 1) % ROUNDS;
    if (isScan) yield* this.#scan();
    // The scan has looked at most of them.
    for (let swarm = 0; swarm < tables.swarms.end; swarm++) {
      if (tables.swarms.homes[swarm] === 0 || tables.swarms.leechers[swarm] === 0) continue;
      if (tables.swarms.rounds[swarm] === watch.round) continue;
      tables.swarms.copyInfoHash(swarm, this.#infoHash);
      this.#look("round");
      yield;
    }
    let row = 0;
    do {
      row = tables.sweep(row, SWEEP);
      yield;
    } while (row > 0);
  }

  /** Looks at all swarms. */
  *#scan(): Generator<void> {
    const store = this.#store;
    const watch = this.#watch;
    Object.assign(watch.left, { out: 0, excluded: 0, large: 0 });
    let retries = SCAN_RETRIES;
    for (let shard = 0; shard < store.shards; shard++) {
      // From the last down: a removed swarm's place is taken by the last, which has been looked at.
      for (let number = 0xffffffff; number > 0; ) {
        if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) {
          if (retries-- <= 0) break;
          yield;
          continue;
        }
        const below = Math.min(number, store.swarmsIn(shard));
        number = Math.max(0, below - HOLD);
        const count = this.#copyInfoHashes(shard, number, below);
        store.leave(shard);
        for (let i = 0; i < count; i++) {
          this.#infoHash.set(this.#held.subarray(i * INFO_HASH_WORDS, (i + 1) * INFO_HASH_WORDS));
          this.#look("scan");
          yield;
        }
        yield;
      }
    }
    watch.savings.finish(watch.settings.maxTorrents, watch.settings.maxEndpoints);
    this.#left = { ...watch.left };
    this.#nextScanAt = performance.now() + SCAN_MS;
    this.times.scanWorkMs = this.#roundWork;
  }

  /** Copies the info-hashes of the swarms that are worth a look. @returns how many. */
  #copyInfoHashes(shard: number, from: number, below: number): number {
    const store = this.#store;
    let count = 0;
    for (let number = below - 1; number >= from; number--) {
      const entry = store.swarmAt(shard, number);
      if (!mayBeGated(store, entry, 0)) continue;
      for (let i = 0; i < INFO_HASH_WORDS; i++)
        this.#held[count * INFO_HASH_WORDS + i] = store.words[entry + i];
      count++;
    }
    return count;
  }
}

/** Milliseconds between two rounds, at least. */
export function roundMs({ stallSeconds }: Pick<GateSettings, "stallSeconds">): number {
  return Math.min(Math.max(ROUND_MS.least, ROUND_PART * 1000 * stallSeconds), ROUND_MS.most);
}
