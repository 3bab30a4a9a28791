/** The control plane's end of a data-plane thread. */
import { Worker } from "node:worker_threads";
import type { ListenAddress } from "./engine/engine.ts";
import type { PolicyData, WorkerCommand, WorkerEvent, WorkerOptions } from "./worker.ts";

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
export class DataPlane {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;

  /** @param onCrash called when the thread dies without having been stopped. */
  constructor(options: WorkerOptions, onCrash: (error: unknown) => void) {
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on("error", onCrash);
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
  }

  /**
   * Waits until the thread answers requests.
   * @returns the addresses it listens on.
   * @throws ListenError
   */
  listening(): Promise<readonly ListenAddress[]> {
    return new Promise((resolve, reject) => {
      const settle = (event: WorkerEvent) => {
        if (event.type === "listening") resolve(event.addresses);
        else if (event.type === "failed") reject(new ListenError(event.code, event.message));
        else return;
        this.#worker.off("message", settle);
      };
      this.#worker.on("message", settle);
    });
  }

  /** Calls back with everything the thread tells. */
  onEvent(callback: (event: WorkerEvent) => void): void {
    this.#worker.on("message", callback);
  }

  /** Hands over a new policy. */
  adopt(policy: PolicyData): void {
    this.#send({ type: "policy", policy });
  }

  /** Stops listening, answers what is in flight, and ends the thread; after `graceMs` whatever happens. */
  async stop(graceMs: number): Promise<void> {
    this.#send({ type: "stop", graceMs });
    // The thread ends by itself; should it hang, it is ended.
    const timer = setTimeout(() => void this.#worker.terminate(), graceMs + 1000);
    await this.#exited;
    clearTimeout(timer);
  }

  #send(command: WorkerCommand): void {
    this.#worker.postMessage(command);
  }
}
