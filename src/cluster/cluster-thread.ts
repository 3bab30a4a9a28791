/**
 * The cluster thread, as the control plane sees it. When it crashes, the tracker goes on without the cluster: the shards
 * that it held are emptied, as after the crash of a worker, and another thread is started.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { CLUSTER_THREAD } from "../store/shard-lock.ts";
import { type Recovery, recoverStore } from "../store/store-recovery.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { SharedAnswer } from "../tasks/shared-answer.ts";
import type { ApplierRules } from "./applier.ts";
import type { ClusterStatus } from "./status.ts";
import type { ClusterCommand, ClusterEvent, ClusterThreadOptions } from "./thread-protocol.ts";

const SCRIPT = new URL("./thread.ts", import.meta.url);

/** Delay before a thread is replaced: for the first crash, and at most. */
const REPLACE_MS = { first: 200, most: 10_000 } as const;
/** As for a crashed worker: one attempt to lock the store's memory, and the pause before the next one. */
const RECOVER_MS = 20;
/** How long a stop may take. */
const STOP_MS = 2000;

/** Receives what the control plane must know. */
export interface ClusterThreadObserver {
  /** Another node's control plane has published something. The bytes are hostile. */
  nodeStatus(node: string, bytes: Uint8Array): void;
  /** A neighbor has answered another node, or is being asked by it. */
  shared(answer: SharedAnswer, sharesPrivate: boolean): void;
  /** A second has passed. */
  reported(status: ClusterStatus): void;
  /** The thread has crashed; another one will be started. @param dropped what its locked shards held. */
  crashed(error: unknown, dropped: Recovery): void;
}

/** What the thread is made of. */
export interface ClusterThreadParts extends Omit<ClusterThreadOptions, "boot"> {
  /** The control plane's view of the store, for recovery. */
  readonly view: SwarmStore;
  /** The script that the thread runs; thread.ts by default. */
  readonly script?: URL;
}

/** Starts, replaces and stops the thread. */
export class ClusterThread {
  /** Its last report; undefined before the first. */
  status: ClusterStatus | undefined;
  crashes = 0;
  readonly #parts: ClusterThreadParts;
  readonly #observer: ClusterThreadObserver;
  readonly #stop = new AbortController();
  #rules: ApplierRules;
  #worker: Worker | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: ClusterThreadParts, observer: ClusterThreadObserver) {
    this.#parts = parts;
    this.#observer = observer;
    this.#rules = parts.rules;
  }

  /** Starts the thread, and keeps one running. */
  start(): void {
    this.#running = this.#run();
  }

  /** Sends new rules. */
  adopt(rules: ApplierRules): void {
    this.#rules = rules;
    this.#send({ kind: "adopt", rules });
  }

  /** Publishes what other nodes' pages show of this node. */
  publishStatus(bytes: Uint8Array): void {
    this.#send({ kind: "publish-status", bytes });
  }

  /** Tells the other nodes what a neighbor is asked, or has answered. */
  share(answer: SharedAnswer): void {
    this.#send({ kind: "share", answer });
  }

  /** Has everything fetched again, after shards were emptied. */
  refetch(): void {
    this.#send({ kind: "refetch" });
  }

  /** Sends what is on its way, and ends the thread. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#send({ kind: "stop" });
    const timer = setTimeout(() => void this.#worker?.terminate(), STOP_MS);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let pause: number = REPLACE_MS.first; !signal.aborted; ) {
      const error = await this.#runOnce();
      this.#worker = undefined;
      const dropped = await this.#recover();
      if (signal.aborted) return;
      this.crashes++;
      this.#observer.crashed(error, dropped);
      await delay(pause, undefined, { signal }).catch(() => {});
      pause = Math.min(2 * pause, REPLACE_MS.most);
    }
  }

  /** Runs a thread until it ends. @returns the error that it crashed with, if there is one. */
  #runOnce(): Promise<unknown> {
    const { view: _, script = SCRIPT, ...options } = this.#parts;
    const workerData: ClusterThreadOptions = { ...options, rules: this.#rules, boot: Date.now() };
    const worker = new Worker(script, { workerData });
    this.#worker = worker;
    worker.on("message", (event: ClusterEvent) => {
      if (event.kind === "node-status") this.#observer.nodeStatus(event.node, event.bytes);
      else if (event.kind === "shared") this.#observer.shared(event.answer, event.sharesPrivate);
      else {
        this.status = event.status;
        this.#observer.reported(event.status);
      }
    });
    return new Promise((resolve) => {
      let error: unknown;
      worker.on("error", (cause) => {
        error = cause;
      });
      worker.once("exit", () => resolve(error));
    });
  }

  async #recover(): Promise<Recovery> {
    const { store, view } = this.#parts;
    for (;;) {
      const recovery = recoverStore(store, view, CLUSTER_THREAD, RECOVER_MS);
      if (recovery !== undefined) return recovery;
      await delay(RECOVER_MS);
    }
  }

  #send(command: ClusterCommand): void {
    this.#worker?.postMessage(command);
  }
}
