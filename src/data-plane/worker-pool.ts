/**
 * All workers, as the control plane sees them. They share one store, and each has its own listeners. A worker that
 * crashes is replaced, and the shards that it had locked are emptied; the other workers are not affected. The pool
 * gives up when workers crash again and again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connectionsPerWorker } from "../config/worker-count.ts";
import { type EngineKind, ownDescriptors, reclaimResources } from "../engine/choice.ts";
import type { EngineLimits, ListenAddress, ListenAddresses } from "../engine/engine.ts";
import { assertAddressesFree } from "../engine/node/address-availability.ts";
import { allocateResources, type ResourceData } from "../engine/uring/resources.ts";
import { allocateCounters, COUNTER } from "../model/counters.ts";
import { describeFailure } from "../platform/failure.ts";
import { allocateDemand, allocatePaceCounts } from "../selection/pace-trial.ts";
import { allocateActivity } from "../store/group-activity.ts";
import { holderOf } from "../store/shard-lock.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import { type Recovery, recoverStore } from "../store/store-recovery.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { allocateAskTimes } from "../tasks/ask-times.ts";
import { allocateReplicationRing, type ReplicationRingData } from "../tasks/replication-ring.ts";
import { allocateTaskQueues, type TaskQueueData } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";
import { allocateCensus } from "../tracker/census.ts";
import type { PolicyData, WorkerCommand, WorkerEvent } from "./protocol.ts";
import { ListenError, WorkerHandle } from "./worker-handle.ts";

const WORKER = new URL("./worker.ts", import.meta.url);

/** The pool gives up after so many crashes within this time. */
const CRASH_LIMIT = 5;
const CRASH_WINDOW_MS = 60_000;
/** Delay before a worker is replaced, for each other crash within the window. */
const REPLACE_DELAY_MS = 200;
/** Time limit of one attempt to lock the store's memory for a recovery, and the pause before the next attempt. */
const RECOVER_WAIT_MS = 20;
const RECOVER_PAUSE_MS = 20;

/** What the workers are started with; see `WorkerOptions`. */
export interface WorkerPoolOptions {
  readonly workers: number;
  readonly engine: EngineKind;
  readonly store: SwarmStoreData;
  /** The control plane's view of the store, for recovery. */
  readonly view: SwarmStore;
  readonly policy: PolicyData;
  readonly listen: ListenAddresses;
  /** For all workers together. */
  readonly limits: EngineLimits;
  readonly connectionSecret: readonly number[];
  readonly askSecret: readonly number[];
  readonly clockBaseMs: number;
  /** Whether changes are written for other nodes of a cluster. */
  readonly replicates?: boolean;
  /** Makes random 32-bit words. */
  readonly randomWords: (count: number) => number[];
  /** The script that a worker runs; worker.ts by default. */
  readonly script?: URL;
}

/** Receives what operators need to know. */
export interface WorkerPoolObserver {
  /** A worker sent an event. */
  event(event: WorkerEvent, worker: number): void;
  /** All peers have been classified by the groups of the last policy. */
  reclassified(): void;
  /** A worker crashed, or ended by itself; it will be replaced. @param dropped what its locked shards held. */
  crashed(worker: number, error: unknown, dropped: Recovery): void;
  /** A worker that had crashed is replaced. */
  replaced(worker: number): void;
  /** Workers crash again and again: the pool gives up. Some workers may still be running. */
  gaveUp(error: unknown, reason: string): void;
}

/** Starts, replaces and stops all workers. */
export class WorkerPool {
  /** The counts of each worker. They outlive a crash. */
  readonly counters: readonly Float64Array<SharedArrayBuffer>[];
  readonly activity: readonly Float64Array<SharedArrayBuffer>[];
  readonly census: readonly Uint32Array<SharedArrayBuffer>[];
  /** What each worker counts to measure the cost of the policy, and the demand that all of them read. */
  readonly paceCounts: readonly Float64Array<SharedArrayBuffer>[];
  readonly demand = allocateDemand();
  /** The task queue of each worker. */
  readonly tasks: readonly TaskQueueData[];
  /** The ring of each worker's changes for other nodes of the cluster; empty without a cluster. */
  readonly replication: readonly ReplicationRingData[];
  /** When upstream trackers are due to be asked again; one table for all workers. */
  readonly askTimes = allocateAskTimes();
  /** Crashes since the start. */
  crashes = 0;
  readonly #options: WorkerPoolOptions;
  readonly #observer: WorkerPoolObserver;
  readonly #handles: WorkerHandle[] = [];
  /** The kernel resources of each worker's engine. */
  readonly #resources: readonly ResourceData[];
  readonly #limits: EngineLimits;
  readonly #crashedAt: number[] = [];
  /** The clock ticks of each worker at the last call of {@link silent}. */
  #ticks: number[] = [];
  /** Workers that have not adopted the last policy yet, and workers that have not classified their peers by it yet. */
  readonly #adopting = new Set<number>();
  readonly #classifying = new Set<number>();
  #policy: PolicyData;
  #listen: ListenAddresses;
  #stopping = false;

  constructor(options: WorkerPoolOptions, observer: WorkerPoolObserver) {
    this.#options = options;
    this.#observer = observer;
    this.#policy = options.policy;
    this.#listen = options.listen;
    const { workers, limits, listen } = options;
    const maxConnections = connectionsPerWorker(limits.maxConnections, workers);
    const sockets = listen.streams.length + listen.datagrams.length;
    this.counters = Array.from({ length: workers }, () => allocateCounters());
    this.activity = this.counters.map(() => allocateActivity());
    this.census = this.counters.map(() => allocateCensus());
    this.paceCounts = this.counters.map(() => allocatePaceCounts());
    const maxPerAddress = connectionsPerWorker(limits.maxPerAddress, workers);
    const maxDeferred = connectionsPerWorker(limits.maxDeferred, workers);
    this.tasks = allocateTaskQueues(workers);
    this.replication = options.replicates === true ? this.counters.map(() => allocateReplicationRing()) : [];
    this.#limits = { ...limits, maxConnections, maxPerAddress, maxDeferred };
    this.#resources = this.counters.map(() => allocateResources(sockets, maxConnections));
  }

  /**
   * Starts all workers.
   * @returns the addresses they listen on, once all of them listen.
   * @throws ListenError
   */
  async start(): Promise<ListenAddresses> {
    try {
      if (this.#options.workers > 1) await assertAddressesFree(this.#listen).catch(throwListenError);
      // If the port is 0, the first worker chooses one, and the others use the same.
      this.#listen = withPortsOf(this.#listen, await this.#startWorker(0));
      await Promise.all(this.counters.slice(1).map((_, i) => this.#startWorker(i + 1)));
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    return this.#listen;
  }

  /** Returns the workers whose clocks have not ticked since the last call. */
  silent(): number[] {
    const before = this.#ticks;
    this.#ticks = this.counters.map((counters) => counters[COUNTER.ticks]);
    return [...this.#ticks.keys()].filter((worker) => this.#ticks[worker] === before[worker]);
  }

  /** Sends a new policy. When all workers have adopted it, the known peers are classified by it. */
  adopt(policy: PolicyData): void {
    this.#policy = policy;
    for (const [worker, handle] of this.#handles.entries()) {
      this.#adopting.add(worker);
      this.#classifying.add(worker);
      handle.send({ type: "policy", policy });
    }
  }

  /** Ends the waits of a worker's deferred requests. @param reply the upstream tracker's reply to them, if any. */
  readonly resume = (worker: number, tokens: readonly number[], reply?: UpstreamReply): void => {
    this.#handles[worker].send({ type: "resume", tokens, reply });
  };

  /** Stops listening, answers requests in flight, and ends the workers: after `graceMs` at the latest. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#handles.map((handle) => handle.stop(graceMs)));
  }

  async #startWorker(worker: number): Promise<ListenAddresses> {
    const { store, workers, engine, connectionSecret, askSecret, clockBaseMs, randomWords, script } =
      this.#options;
    const handle = new WorkerHandle(script ?? WORKER, {
      store,
      worker,
      workers,
      policy: this.#policy,
      listen: await ownDescriptors(this.#listen),
      engine,
      resources: this.#resources[worker],
      limits: this.#limits,
      counters: this.counters[worker],
      tasks: this.tasks[worker],
      replication: this.replication[worker],
      askTimes: this.askTimes,
      askSecret,
      activity: this.activity[worker],
      census: this.census[worker],
      paceTrial: { counts: this.paceCounts[worker], demand: this.demand },
      seed: randomWords(4),
      connectionSecret,
      clockBaseMs,
    });
    this.#handles[worker] = handle;
    handle.onEvent((event) => this.#onEvent(event, worker));
    const addresses = await handle.listening();
    void handle.ended.then((error) => this.#replaceCrashed(worker, error));
    return addresses;
  }

  #onEvent(event: WorkerEvent, worker: number): void {
    if (event.type === "adopted") this.#adopted(worker);
    else if (event.type === "reclassified") this.#reclassified(worker);
    else this.#observer.event(event, worker);
  }

  /**
   * Peers are classified only when all workers have adopted the new policy. Otherwise a worker could still store
   * peers by the old policy in swarms that another worker has already classified.
   */
  #adopted(worker: number): void {
    this.#adopting.delete(worker);
    if (this.#adopting.size > 0) return;
    const command: WorkerCommand = { type: "reclassify" };
    for (const classifying of this.#classifying) this.#handles[classifying].send(command);
  }

  #reclassified(worker: number): void {
    // A worker that finishes while the next policy is being adopted will be sent "reclassify" again.
    if (this.#adopting.size > 0 || !this.#classifying.delete(worker)) return;
    if (this.#classifying.size === 0) this.#observer.reclassified();
  }

  async #replaceCrashed(worker: number, error: unknown): Promise<void> {
    if (this.#stopping) return;
    const counters = this.counters[worker];
    this.crashes++;
    await reclaimResources(this.#options.engine, this.#resources[worker]);
    counters[COUNTER.connectionsClosed] = counters[COUNTER.connectionsAccepted];
    const dropped = await this.#recover(worker);
    this.#observer.crashed(worker, error, dropped);
    await this.#replace(worker, error);
  }

  async #recover(worker: number): Promise<Recovery> {
    const { store, view } = this.#options;
    for (;;) {
      const recovery = recoverStore(store, view, holderOf(worker), RECOVER_WAIT_MS);
      if (recovery !== undefined) return recovery;
      await delay(RECOVER_PAUSE_MS);
    }
  }

  async #replace(worker: number, error: unknown): Promise<void> {
    const now = performance.now();
    this.#crashedAt.push(now);
    const recent = this.#crashedAt.filter((at) => at > now - CRASH_WINDOW_MS).length;
    if (recent >= CRASH_LIMIT) {
      const reason = `${recent} workers crashed within ${CRASH_WINDOW_MS / 1000} seconds`;
      this.#observer.gaveUp(error, reason);
      return;
    }
    await delay((recent - 1) * REPLACE_DELAY_MS);
    if (this.#stopping) return;
    try {
      await this.#startWorker(worker);
    } catch (failure) {
      // The new worker could not listen: that counts as a crash as well.
      if (!this.#stopping) await this.#replaceCrashed(worker, failure);
      return;
    }
    this.#observer.replaced(worker);
    this.#catchUp(worker);
  }

  /** The new worker has the policy in force, and has to finish the classification that its predecessor had begun. */
  #catchUp(worker: number): void {
    if (this.#classifying.has(worker)) this.#handles[worker].send({ type: "policy", policy: this.#policy });
  }
}

/** Returns the same sockets, with the ports that were chosen. */
function withPortsOf(wanted: ListenAddresses, opened: ListenAddresses): ListenAddresses {
  const merge = (addresses: readonly ListenAddress[], taken: readonly ListenAddress[]) =>
    addresses.map(({ fd }, i) => ({ ...taken[i], fd }));
  return {
    streams: merge(wanted.streams, opened.streams),
    datagrams: merge(wanted.datagrams, opened.datagrams),
  };
}

function throwListenError(error: unknown): never {
  const { code, message } = describeFailure(error);
  throw new ListenError(code, message);
}
