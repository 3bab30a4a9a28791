/** The control plane's end of one data-plane thread. */
import { Worker } from "node:worker_threads";
import { wakeEngine } from "../engine/choice.ts";
import type { ListenAddresses } from "../engine/engine.ts";
import type { WorkerCommand, WorkerEvent, WorkerOptions } from "./protocol.ts";

/**
 * What the engine leaves behind dies young, and nothing else is allocated: a small nursery costs no time that can be
 * measured, and saves as much memory as half a million peers take.
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

/** One data-plane thread. */
export class WorkerHandle {
  /** Fulfilled when the thread has ended, with what it died of, if that is known. */
  readonly ended: Promise<unknown>;
  readonly #worker: Worker;
  #wakeDescriptor = -1;

  /** @param script what the thread runs: worker.ts, or what stands in for it in a test. */
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
   * Waits until the thread answers requests.
   * @returns the addresses it listens on.
   * @throws ListenError, or what the thread died of before.
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
      void this.ended.then((error) => reject(error ?? new Error("the thread ended before it listened")));
    });
  }

  /** Calls back with everything the thread tells. */
  onEvent(callback: (event: WorkerEvent) => void): void {
    this.#worker.on("message", callback);
  }

  /** Tells the thread something. One that has ended hears nothing. */
  send(command: WorkerCommand): void {
    this.#worker.postMessage(command);
    wakeEngine(this.#wakeDescriptor);
  }

  /** Stops listening, answers what is in flight, and ends the thread; after `graceMs` whatever happens. */
  async stop(graceMs: number): Promise<void> {
    this.send({ type: "stop", graceMs });
    // The engine closes it when it has stopped, and then it may be anybody's.
    this.#wakeDescriptor = -1;
    // The thread ends by itself; should it hang, it is ended.
    const timer = setTimeout(() => void this.#worker.terminate(), graceMs + 1000);
    await this.ended;
    clearTimeout(timer);
  }
}
