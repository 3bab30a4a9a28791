/**
 * The data plane as the control plane sees it: so many threads over one store, each with listeners of its own. A thread
 * that dies is replaced, and what it held of the store is freed; meanwhile the others go on. It only ends when threads
 * die again and again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { connectionsPerWorker } from "../config/worker-count.ts";
import { type EngineKind, ownDescriptors, reclaimResources } from "../engine/choice.ts";
import type { EngineLimits, ListenAddress, ListenAddresses } from "../engine/engine.ts";
import { assertAddressesFree } from "../engine/node/address-availability.ts";
import { allocateResources, type ResourceData } from "../engine/uring/resources.ts";
import { allocateCounters, COUNTER } from "../model/counters.ts";
import { describeFailure } from "../platform/failure.ts";
import { allocateActivity } from "../store/group-activity.ts";
import { holderOf } from "../store/shard-lock.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import { type Recovery, recoverStore } from "../store/store-recovery.ts";
import { allocateAskTimes } from "../tasks/ask-times.ts";
import { allocateTaskQueues, type TaskQueueData } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";
import { allocateCensus } from "../tracker/census.ts";
import type { PolicyData, WorkerCommand, WorkerEvent } from "./protocol.ts";
import { ListenError, WorkerHandle } from "./worker-handle.ts";

const WORKER = new URL("./worker.ts", import.meta.url);

/** So many deaths within this time are no accidents any more. */
const DEATHS_LIMIT = 5;
const DEATHS_WITHIN_MS = 60_000;
/** Before a thread is replaced, for each other that died lately. */
const REPLACE_DELAY_MS = 200;
/** How long the lock of the store's memory is waited for, and what is left to others before the next attempt. */
const RECOVER_WAIT_MS = 20;
const RECOVER_AGAIN_MS = 20;

/** What the threads are started with; see `WorkerOptions`. */
export interface WorkerPoolOptions {
  readonly workers: number;
  readonly engine: EngineKind;
  readonly store: SwarmStoreData;
  readonly policy: PolicyData;
  readonly listen: ListenAddresses;
  /** For all threads together. */
  readonly limits: EngineLimits;
  readonly connectionSecret: readonly number[];
  readonly askSecret: readonly number[];
  readonly clockBaseMs: number;
  /** Makes random words. */
  readonly randomWords: (count: number) => number[];
  /** What a thread runs, if not worker.ts. */
  readonly script?: URL;
}

/** Called with what operators need to hear. */
export interface WorkerPoolObserver {
  /** A worker said something. */
  told(event: WorkerEvent, worker: number): void;
  /** All workers have given the peers known their groups of the last policy. */
  reclassified(): void;
  /** A worker died, and this much had to be dropped; it will be replaced. */
  died(worker: number, error: unknown, dropped: Recovery): void;
  /** A worker that had died is replaced. */
  replaced(worker: number): void;
  /** Workers die again and again: the data plane is given up. Others may still be running. */
  gaveUp(error: unknown, reason: string): void;
}

/** All data-plane threads. */
export class WorkerPool {
  /** Of each worker; they outlive its thread. */
  readonly counters: readonly Float64Array<SharedArrayBuffer>[];
  readonly activity: readonly Float64Array<SharedArrayBuffer>[];
  readonly census: readonly Uint32Array<SharedArrayBuffer>[];
  /** What each worker would have done. */
  readonly tasks: readonly TaskQueueData[];
  /** When external trackers are to be asked again; one for all. */
  readonly askTimes = allocateAskTimes();
  /** Workers that have died. */
  deaths = 0;
  readonly #options: WorkerPoolOptions;
  readonly #observer: WorkerPoolObserver;
  readonly #threads: WorkerHandle[] = [];
  /** What each worker's engine has of the kernel. */
  readonly #resources: readonly ResourceData[];
  readonly #limits: EngineLimits;
  readonly #diedAt: number[] = [];
  /** Of each worker's clock, when {@link silent} was last asked. */
  #ticks: number[] = [];
  /** Workers that have not yet taken over the last policy, and those that have not yet classified by it. */
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
    const maxPerAddress = connectionsPerWorker(limits.maxPerAddress, workers);
    const maxDeferred = connectionsPerWorker(limits.maxDeferred, workers);
    this.tasks = allocateTaskQueues(workers);
    this.#limits = { ...limits, maxConnections, maxPerAddress, maxDeferred };
    this.#resources = this.counters.map(() => allocateResources(sockets, maxConnections));
  }

  /**
   * Starts all threads.
   * @returns the addresses they listen on, when all do.
   * @throws ListenError
   */
  async start(): Promise<ListenAddresses> {
    try {
      if (this.#options.workers > 1) await assertAddressesFree(this.#listen).catch(throwListenError);
      // The first takes a port where any will do; the others take the same.
      this.#listen = withPortsOf(this.#listen, await this.#startThread(0));
      await Promise.all(this.counters.slice(1).map((_, i) => this.#startThread(i + 1)));
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    return this.#listen;
  }

  /** The workers whose clocks have not ticked since this was last asked. */
  silent(): number[] {
    const before = this.#ticks;
    this.#ticks = this.counters.map((counters) => counters[COUNTER.ticks]);
    return [...this.#ticks.keys()].filter((worker) => this.#ticks[worker] === before[worker]);
  }

  /** Hands over a new policy. When all threads have it, peers known are classified by it. */
  adopt(policy: PolicyData): void {
    this.#policy = policy;
    for (const [worker, thread] of this.#threads.entries()) {
      this.#adopting.add(worker);
      this.#classifying.add(worker);
      thread.send({ type: "policy", policy });
    }
  }

  /** Ends the waits of connections of a worker. @param reply the upstream tracker's reply to them. */
  readonly resume = (worker: number, tokens: readonly number[], reply?: UpstreamReply): void => {
    this.#threads[worker].send({ type: "resume", tokens, reply });
  };

  /** Stops listening, answers what is in flight, and ends the threads; after `graceMs` whatever happens. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#threads.map((thread) => thread.stop(graceMs)));
  }

  async #startThread(worker: number): Promise<ListenAddresses> {
    const { store, workers, engine, connectionSecret, askSecret, clockBaseMs, randomWords, script } =
      this.#options;
    const thread = new WorkerHandle(script ?? WORKER, {
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
      askTimes: this.askTimes,
      askSecret,
      activity: this.activity[worker],
      census: this.census[worker],
      seed: randomWords(4),
      connectionSecret,
      clockBaseMs,
    });
    this.#threads[worker] = thread;
    thread.onEvent((event) => this.#told(event, worker));
    const addresses = await thread.listening();
    void thread.ended.then((error) => this.#ended(worker, error));
    return addresses;
  }

  #told(event: WorkerEvent, worker: number): void {
    if (event.type === "adopted") this.#adopted(worker);
    else if (event.type === "reclassified") this.#reclassified(worker);
    else this.#observer.told(event, worker);
  }

  /**
   * Peers are classified only when no thread goes by the old policy any more: else one could store a peer by it behind
   * the back of another that is done.
   */
  #adopted(worker: number): void {
    this.#adopting.delete(worker);
    if (this.#adopting.size > 0) return;
    const command: WorkerCommand = { type: "reclassify" };
    for (const classifying of this.#classifying) this.#threads[classifying].send(command);
  }

  #reclassified(worker: number): void {
    // One that finishes while another policy is being taken over is told to begin again.
    if (this.#adopting.size > 0 || !this.#classifying.delete(worker)) return;
    if (this.#classifying.size === 0) this.#observer.reclassified();
  }

  async #ended(worker: number, error: unknown): Promise<void> {
    if (this.#stopping) return;
    const counters = this.counters[worker];
    this.deaths++;
    await reclaimResources(this.#options.engine, this.#resources[worker]);
    counters[COUNTER.connectionsClosed] = counters[COUNTER.connectionsAccepted];
    const dropped = await this.#recover(worker);
    this.#observer.died(worker, error, dropped);
    await this.#replace(worker, error);
  }

  async #recover(worker: number): Promise<Recovery> {
    for (;;) {
      const recovery = recoverStore(this.#options.store, holderOf(worker), RECOVER_WAIT_MS);
      if (recovery !== undefined) return recovery;
      await delay(RECOVER_AGAIN_MS);
    }
  }

  async #replace(worker: number, error: unknown): Promise<void> {
    const now = performance.now();
    this.#diedAt.push(now);
    const lately = this.#diedAt.filter((at) => at > now - DEATHS_WITHIN_MS).length;
    if (lately >= DEATHS_LIMIT) {
      const reason = `${lately} data-plane threads died within ${DEATHS_WITHIN_MS / 1000} seconds`;
      this.#observer.gaveUp(error, reason);
      return;
    }
    await delay((lately - 1) * REPLACE_DELAY_MS);
    if (this.#stopping) return;
    try {
      await this.#startThread(worker);
    } catch (failure) {
      // It did not come to listening: another attempt, which counts as a death.
      if (!this.#stopping) await this.#ended(worker, failure);
      return;
    }
    this.#observer.replaced(worker);
    this.#catchUp(worker);
  }

  /** The new thread began with the policy in force; what its predecessor had still to classify is left to it. */
  #catchUp(worker: number): void {
    if (this.#classifying.has(worker)) this.#threads[worker].send({ type: "policy", policy: this.#policy });
  }
}

/** The same sockets, with the ports that they have taken. */
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
