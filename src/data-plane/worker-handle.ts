/** One worker, as the control plane sees it. */
import { Worker } from "node:worker_threads";
import { wakeEngine } from "../engine/choice.ts";
import type { ListenAddresses } from "../engine/engine.ts";
import type { WorkerCommand, WorkerEvent, WorkerOptions } from "./protocol.ts";

/**
 * Size of the heap's young generation. A worker allocates almost nothing that lives longer than a collection of it: a
 * small one costs no measurable time, and saves the memory of half a million peers.
 */
const YOUNG_GENERATION_MB = 2;

/** Listening failed. `code` is the system's, such as EADDRINUSE. */
export class ListenError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Starts one worker, exchanges messages with it, and stops it. */
export class WorkerHandle {
  /** Resolves when the worker has ended: with the error that it crashed with, if there is one. */
  readonly ended: Promise<unknown>;
  readonly #worker: Worker;
  #wakeDescriptor = -1;

  /** @param script worker.ts, or its replacement in a test. */
  constructor(script: URL, options: WorkerOptions) {
    let error: unknown;
    this.#worker = new Worker(script, {
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on("error", (cause) => {
      error = cause;
    });
    this.ended = new Promise((resolve) =>
      this.#worker.once("exit", () => {
        this.#wakeDescriptor = -1;
        resolve(error);
      }),
    );
  }

  /**
   * Waits until the worker listens.
   * @returns the addresses it listens on.
   * @throws ListenError, or the error that the worker crashed with.
   */
  listening(): Promise<ListenAddresses> {
    return new Promise((resolve, reject) => {
      const settle = (event: WorkerEvent) => {
        if (event.type === "listening") {
          this.#wakeDescriptor = event.wakeDescriptor;
          resolve(event.addresses);
        } else if (event.type === "failed") reject(new ListenError(event.code, event.message));
        else return;
        this.#worker.off("message", settle);
      };
      this.#worker.on("message", settle);
      void this.ended.then((error) => reject(error ?? new Error("the worker ended before it listened")));
    });
  }

  /** Calls back with every event of the worker. */
  onEvent(callback: (event: WorkerEvent) => void): void {
    this.#worker.on("message", callback);
  }

  /** Sends a command. A worker that has ended ignores it. */
  send(command: WorkerCommand): void {
    this.#worker.postMessage(command);
    wakeEngine(this.#wakeDescriptor);
  }

  /** Stops listening, answers requests in flight, and ends the worker: after `graceMs` at the latest. */
  async stop(graceMs: number): Promise<void> {
    this.send({ type: "stop", graceMs });
    // The engine closes the descriptor when it stops; another file may get its number then.
    this.#wakeDescriptor = -1;
    // The worker ends by itself. If it hangs, it is terminated.
    const timer = setTimeout(() => void this.#worker.terminate(), graceMs + 1000);
    await this.ended;
    clearTimeout(timer);
  }
}
