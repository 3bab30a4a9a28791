/**
 * The script of a worker: makes store, tracker, services and engine, then answers requests, sweeps the swarms, and
 * follows the control plane's commands. Workers share data through memory, not through messages.
 */
import { setFlagsFromString } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { makeEngine } from "../engine/choice.ts";
import type { Engine, EngineCounters } from "../engine/engine.ts";
import { formatAddress } from "../model/address-text.ts";
import { COUNTER } from "../model/counters.ts";
import { Random } from "../model/random.ts";
import { REFUSAL_REASONS } from "../model/refusals.ts";
import { PeerGroups } from "../network/peer-groups.ts";
import { PrefixTable } from "../network/prefix-table.ts";
import { readClock } from "../platform/clock.ts";
import { describeFailure } from "../platform/failure.ts";
import { PaceTrial } from "../selection/pace-trial.ts";
import { makeSelectionPolicy } from "../selection/policies.ts";
import { ConnectionIds } from "../services/connection-ids.ts";
import type { ForwardingPolicy } from "../services/forwarded-service.ts";
import { HttpService } from "../services/http-service.ts";
import { Refusal } from "../services/refusal.ts";
import { UdpService } from "../services/udp-service.ts";
import { UpstreamTrackers } from "../services/upstream-trackers.ts";
import { holderOf } from "../store/shard-lock.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import { ReplicationWriter } from "../tasks/replication-ring.ts";
import { TaskWriter } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";
import { AccessList } from "../tracker/access-list.ts";
import { CENSUS } from "../tracker/census.ts";
import { Polls } from "../tracker/polls.ts";
import { Sweeper } from "../tracker/sweeper.ts";
import { Tracker } from "../tracker/tracker.ts";
import type { Clock } from "../tracker/tracker-options.ts";
import type { TrackerPolicy } from "../tracker/tracker-policy.ts";
import { HostRules } from "../wire/host-rules.ts";
import type { ForwardingData, PolicyData, WorkerCommand, WorkerEvent, WorkerOptions } from "./protocol.ts";

/** Minimum time between two reports of refused requests: clients must not be able to flood the log. */
const REFUSAL_SECONDS = 10;

/**
 * V8 flags: the maximum size of an inlined function, and of all functions inlined into one caller, in bytes of
 * bytecode. They are two and three times the defaults: an announce calls many functions, and takes 3 to 8 % less time
 * this way.
 */
const INLINING = ["--max-inlined-bytecode-size=900", "--max-inlined-bytecode-size-cumulative=3000"];

/** Interval at which the clock is read and a slice of the swarms is swept. */
const TICK_MS = 100;

/** The same without requests. */
const IDLE_TICK_MS = 500;

/** Ticks in a row without a request after which the worker is idle. */
const IDLE_TICKS = 20;

/** A tick sweeps more if it is late, as if it were late by this much at most: a slice must not delay requests. */
const LATE_TICK_MS = 500;

/** A sweep of all swarms takes a minute, or a quarter of the peers' expiry time if that is shorter. */
const ROUND_SECONDS = 60;

/** The first sweep is shorter, so that the census (tracker/census.ts) is known soon after a restart. */
const FIRST_ROUND_SECONDS = 10;

function trackerPolicy(data: PolicyData, trial: PaceTrial): TrackerPolicy {
  return {
    settings: data.settings,
    selection: makeSelectionPolicy(data.selection, trial, data.gatedGroups),
    copies: data.copies,
    groups: new PeerGroups(data.groups),
    accessList: new AccessList(data.accessList),
    polls: new Polls(data.polls),
    refreshSeconds: data.refreshSeconds,
    refreshWaitMs: data.refreshWaitMs,
    gatedGroups: data.gatedGroups,
  };
}

function forwardingPolicy(
  data: ForwardingData | undefined,
  notesIgnored: boolean,
): ForwardingPolicy | undefined {
  if (data === undefined) return undefined;
  const { forwarders, hosts, timeoutMs } = data;
  return { forwarders: new PrefixTable(forwarders), hosts: new HostRules(hosts), timeoutMs, notesIgnored };
}

class WorkerRuntime {
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #store: SwarmStore;
  readonly #tracker: Tracker;
  readonly #paceTrial: PaceTrial;
  readonly #http: HttpService;
  readonly #udp: UdpService;
  readonly #refusal: Refusal;
  readonly #sweeper: Sweeper;
  readonly #engine: Promise<Engine>;
  /** The engine; undefined until it listens. */
  #listening: Engine | undefined;
  #ticker: NodeJS.Timeout;
  #tickedAt = performance.now();
  /** Ticks in a row without a request, and the number of requests at the last one. */
  #idleTicks = 0;
  #requests = 0;
  /** The number of refused requests at the last report, and the time of that report. */
  #refusals = 0;
  #refusalsAt = 0;

  constructor(options: WorkerOptions) {
    const { counters, policy } = options;
    this.#paceTrial = new PaceTrial(options.paceTrial);
    const initial = trackerPolicy(policy, this.#paceTrial);
    this.#options = options;
    this.#clock = { seconds: readClock(options.clockBaseMs) };
    this.#store = new SwarmStore(options.store, holderOf(options.worker));
    this.#tracker = new Tracker({
      store: this.#store,
      policy: initial,
      random: new Random(options.seed),
      clock: this.#clock,
      counters,
      activity: options.activity,
      tasks: new TaskWriter(options.tasks, counters),
      replication: options.replication && new ReplicationWriter(options.replication),
    });
    const stopwatch = () => performance.now();
    this.#refusal = new Refusal(counters);
    const tasks = new TaskWriter(options.tasks, counters);
    const upstreams = new UpstreamTrackers(options.askTimes, tasks, options.askSecret, this.#clock);
    const forwarded = { tracker: this.#tracker, upstreams };
    this.#http = new HttpService(this.#tracker, counters, this.#refusal, stopwatch, forwarded);
    const connectionIds = new ConnectionIds(options.connectionSecret, this.#clock);
    this.#udp = new UdpService(this.#tracker, connectionIds, counters, this.#refusal, stopwatch);
    this.#sweeper = new Sweeper({
      store: this.#store,
      groups: initial.groups,
      peerExpiry: policy.peerExpiry,
      counters,
      census: options.census,
      worker: options.worker,
      workers: options.workers,
    });
    const { engine, limits, resources } = options;
    const services = { stream: this.#http, datagram: this.#udp };
    this.#engine = makeEngine(engine, services, limits, engineCounters(counters), resources);
    this.#configureServices(policy);
    this.#ticker = setTimeout(() => this.#tick(), TICK_MS);
  }

  async listen(): Promise<void> {
    const { listen, workers } = this.#options;
    try {
      const engine = await this.#engine;
      const addresses = await engine.listen(listen, workers > 1);
      this.#listening = engine;
      post({ type: "listening", addresses, wakeDescriptor: engine.wakeDescriptor });
    } catch (error) {
      clearTimeout(this.#ticker);
      post({ type: "failed", ...describeFailure(error) });
      parentPort?.close();
    }
  }

  handle(command: WorkerCommand): void {
    if (command.type === "stop") void this.#stop(command.graceMs);
    else if (command.type === "policy") this.#adopt(command.policy);
    else if (command.type === "resume") this.#resume(command.tokens, command.reply);
    else this.#sweeper.reclassify(this.#tracker.policy.groups);
  }

  #resume(tokens: readonly number[], reply: UpstreamReply | undefined): void {
    for (const token of tokens) this.#listening?.resume(token, reply);
  }

  #adopt(policy: PolicyData): void {
    this.#tracker.policy = trackerPolicy(policy, this.#paceTrial);
    this.#sweeper.peerExpiry = policy.peerExpiry;
    this.#configureServices(policy);
    post({ type: "adopted" });
  }

  #configureServices(policy: PolicyData): void {
    const ipParameter = new PrefixTable(policy.ipParameter);
    const trustedProxies = new PrefixTable(policy.trustedProxies);
    const forwarding = forwardingPolicy(policy.forwarding, policy.gatedGroups !== undefined);
    this.#http.configure({ trustedProxies, ipParameter, forwarding });
    this.#udp.configure({ ipParameter });
  }

  #tick(): void {
    const now = performance.now();
    const elapsedMs = Math.min(now - this.#tickedAt, LATE_TICK_MS);
    this.#tickedAt = now;
    this.#clock.seconds = readClock(this.#options.clockBaseMs);
    const { workers, counters, census } = this.#options;
    counters[COUNTER.ticks]++;
    const roundSeconds = census[CENSUS.rounds] === 0 ? FIRST_ROUND_SECONDS : ROUND_SECONDS;
    const roundMs = 1000 * Math.min(roundSeconds, this.#sweeper.peerExpiry / 4);
    const all = (this.#store.peerCount + this.#store.swarmCount) / workers;
    const wasReclassifying = this.#sweeper.reclassifying;
    this.#sweeper.step(this.#clock.seconds, Math.ceil((all * elapsedMs) / roundMs) + 1);
    if (wasReclassifying && !this.#sweeper.reclassifying) post({ type: "reclassified" });
    this.#reportRefusals();
    this.#ticker = setTimeout(() => this.#tick(), this.#isIdle() ? IDLE_TICK_MS : TICK_MS);
  }

  /** Whether there was no request for some time. Called once in each tick. */
  #isIdle(): boolean {
    const { counters } = this.#options;
    const requests = counters[COUNTER.announces] + counters[COUNTER.scrapes] + this.#refusal.count;
    this.#idleTicks = requests === this.#requests ? this.#idleTicks + 1 : 0;
    this.#requests = requests;
    return this.#idleTicks >= IDLE_TICKS && !this.#sweeper.reclassifying;
  }

  #reportRefusals(): void {
    const { address, reason, count } = this.#refusal;
    if (count === this.#refusals || this.#clock.seconds < this.#refusalsAt + REFUSAL_SECONDS) return;
    const requests = count - this.#refusals;
    post({
      type: "refused",
      address: formatAddress(address),
      reason: REFUSAL_REASONS[reason].text,
      requests,
    });
    this.#refusals = count;
    this.#refusalsAt = this.#clock.seconds;
  }

  async #stop(graceMs: number): Promise<void> {
    clearTimeout(this.#ticker);
    await (await this.#engine).stop(graceMs);
    parentPort?.close();
  }
}

function engineCounters(counters: Float64Array): EngineCounters {
  return {
    connectionAccepted: () => counters[COUNTER.connectionsAccepted]++,
    connectionRefused: () => counters[COUNTER.connectionsRefused]++,
    connectionOverShare: () => counters[COUNTER.connectionsOverShare]++,
    connectionDisplaced: () => counters[COUNTER.connectionsDisplaced]++,
    acceptFailed: () => counters[COUNTER.acceptFailures]++,
    connectionTimedOut: () => counters[COUNTER.connectionsTimedOut]++,
    connectionClosed: () => counters[COUNTER.connectionsClosed]++,
    datagramDropped: () => counters[COUNTER.datagramsDropped]++,
  };
}

function post(event: WorkerEvent): void {
  parentPort?.postMessage(event);
}

for (const flag of INLINING) setFlagsFromString(flag);
const runtime = new WorkerRuntime(workerData);
parentPort?.on("message", (command: WorkerCommand) => runtime.handle(command));
await runtime.listen();
