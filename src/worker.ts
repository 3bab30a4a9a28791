/**
 * The composition root of one data-plane thread: store, tracker, codec and engine, wired once; then it answers, sweeps,
 * and takes new policies from the control plane. What the threads share is in memory, not in messages.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { EngineLimits, ListenAddress } from "./engine/engine.ts";
import { NodeEngine } from "./engine/node/node-engine.ts";
import { formatAddress } from "./model/address-text.ts";
import { CLIENT_ERRORS, OK } from "./model/client-error.ts";
import { COUNTER } from "./model/counters.ts";
import { Random } from "./model/random.ts";
import { PeerGroups, type PeerGroupsData } from "./network/peer-groups.ts";
import { PrefixTable, type PrefixTableData } from "./network/prefix-table.ts";
import { AccessList, type AccessListData } from "./tracker/access-list.ts";
import { HttpService } from "./tracker/http-service.ts";
import type { SelectionSettings } from "./tracker/selection-settings.ts";
import { SwarmStore, type SwarmStoreData } from "./tracker/swarm-store.ts";
import { Sweeper } from "./tracker/sweeper.ts";
import { type Clock, Tracker } from "./tracker/tracker.ts";
import type { TrackerPolicy, TrackerSettings } from "./tracker/tracker-policy.ts";
import { HTTP_ERRORS } from "./wire/http-error.ts";

/** What a reload replaces, as it travels: plain data and shared memory. */
export interface PolicyData {
  readonly settings: TrackerSettings;
  readonly selection: SelectionSettings;
  /** Seconds without an announce after which a peer goes. */
  readonly peerExpiry: number;
  readonly groups: PeerGroupsData;
  readonly accessList: AccessListData;
  readonly trustedProxies: PrefixTableData;
  readonly ipParameter: PrefixTableData;
}

/** What a worker is started with. */
export interface WorkerOptions {
  readonly store: SwarmStoreData;
  readonly policy: PolicyData;
  readonly listen: readonly ListenAddress[];
  readonly limits: EngineLimits;
  readonly counters: Float64Array<SharedArrayBuffer>;
  readonly seed: readonly number[];
  /** This worker's number, of how many. */
  readonly worker: number;
  readonly workers: number;
}

/** What the control plane tells a worker. */
export type WorkerCommand =
  | { readonly type: "policy"; readonly policy: PolicyData }
  | { readonly type: "stop"; readonly graceMs: number };

/** What a worker tells the control plane. */
export type WorkerEvent =
  | { readonly type: "listening"; readonly addresses: readonly ListenAddress[] }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "reclassified" }
  | {
      readonly type: "refused";
      readonly address: string;
      readonly reason: string;
      readonly requests: number;
    };

/** Least time between two reports of refused requests: a sample, so that nobody can flood the log. */
const REFUSAL_SECONDS = 10;

/** How often the clock is read and a slice of the swarms is swept. */
const TICK_MS = 100;

/** A round over all swarms takes a minute, or a quarter of the expiry time when that is shorter. */
const ROUND_SECONDS = 60;

function trackerPolicy(data: PolicyData): TrackerPolicy {
  return {
    settings: data.settings,
    selection: data.selection,
    groups: new PeerGroups(data.groups),
    accessList: new AccessList(data.accessList),
  };
}

/** Reads the time such that it never goes back: the wall clock at start, and what has passed since. */
function readClock(): number {
  return Math.floor((performance.timeOrigin + performance.now()) / 1000);
}

class DataPlane {
  readonly #options: WorkerOptions;
  readonly #clock: Clock = { seconds: readClock() };
  readonly #store: SwarmStore;
  readonly #tracker: Tracker;
  readonly #service: HttpService;
  readonly #sweeper: Sweeper;
  readonly #engine: NodeEngine;
  readonly #ticker: NodeJS.Timeout;
  /** Requests refused when that was last reported, and when. */
  #refusals = 0;
  #refusalsAt = 0;

  constructor(options: WorkerOptions) {
    const { counters, policy } = options;
    const initial = trackerPolicy(policy);
    this.#options = options;
    this.#store = new SwarmStore(options.store);
    this.#tracker = new Tracker(this.#store, initial, new Random(options.seed), this.#clock, counters);
    this.#service = new HttpService(this.#tracker, counters);
    this.#sweeper = new Sweeper(
      this.#store,
      initial.groups,
      policy.peerExpiry,
      counters,
      options.worker,
      options.workers,
    );
    this.#engine = new NodeEngine(this.#service, options.limits, {
      connectionAccepted: () => counters[COUNTER.connectionsAccepted]++,
      connectionRefused: () => counters[COUNTER.connectionsRefused]++,
      connectionTimedOut: () => counters[COUNTER.connectionsTimedOut]++,
      connectionClosed: () => counters[COUNTER.connectionsClosed]++,
    });
    this.#configureService(policy);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  async listen(): Promise<void> {
    try {
      post({ type: "listening", addresses: await this.#engine.listen(this.#options.listen) });
    } catch (error) {
      clearInterval(this.#ticker);
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      post({ type: "failed", code, message: error instanceof Error ? error.message : String(error) });
      parentPort?.close();
    }
  }

  take(command: WorkerCommand): void {
    if (command.type === "stop") void this.#stop(command.graceMs);
    else this.#adopt(command.policy);
  }

  #adopt(policy: PolicyData): void {
    this.#tracker.policy = trackerPolicy(policy);
    this.#sweeper.peerExpiry = policy.peerExpiry;
    this.#sweeper.reclassify(this.#tracker.policy.groups);
    this.#configureService(policy);
  }

  #configureService(policy: PolicyData): void {
    this.#service.configure({
      trustedProxies: new PrefixTable(policy.trustedProxies),
      ipParameter: new PrefixTable(policy.ipParameter),
    });
  }

  #tick(): void {
    this.#clock.seconds = readClock();
    const { workers } = this.#options;
    const roundMs = 1000 * Math.min(ROUND_SECONDS, this.#sweeper.peerExpiry / 4);
    const all = (this.#store.peerCount + this.#store.swarmCount) / workers;
    const wasReclassifying = this.#sweeper.reclassifying;
    this.#sweeper.step(this.#clock.seconds, Math.ceil((all * TICK_MS) / roundMs) + 1);
    if (wasReclassifying && !this.#sweeper.reclassifying) post({ type: "reclassified" });
    this.#reportRefusals();
  }

  #reportRefusals(): void {
    const { counters } = this.#options;
    const refusals = counters[COUNTER.clientErrors] + counters[COUNTER.httpErrors];
    if (refusals === this.#refusals || this.#clock.seconds < this.#refusalsAt + REFUSAL_SECONDS) return;
    const { address, clientError, httpError } = this.#service.lastRefusal;
    const reason = httpError === OK ? CLIENT_ERRORS[clientError].reason : HTTP_ERRORS[httpError].text;
    post({ type: "refused", address: formatAddress(address), reason, requests: refusals - this.#refusals });
    this.#refusals = refusals;
    this.#refusalsAt = this.#clock.seconds;
  }

  async #stop(graceMs: number): Promise<void> {
    clearInterval(this.#ticker);
    await this.#engine.stop(graceMs);
    parentPort?.close();
  }
}

function post(event: WorkerEvent): void {
  parentPort?.postMessage(event);
}

const plane = new DataPlane(workerData);
parentPort?.on("message", (command: WorkerCommand) => plane.take(command));
await plane.listen();
