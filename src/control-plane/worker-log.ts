/** Logs what happens to the workers. */
import type { WorkerEvent } from "../data-plane/protocol.ts";
import type { WorkerPoolObserver } from "../data-plane/worker-pool.ts";
import type { Recovery } from "../store/store-recovery.ts";
import type { Logger } from "../telemetry/logger.ts";

/** Logs the events of the worker pool, for the operator. */
export class WorkerLog implements WorkerPoolObserver {
  readonly #log: Logger;
  readonly #stop: () => void;
  readonly #lost: () => void;

  /** @param stop called when the worker pool has given up. @param lost called when swarms were dropped. */
  constructor(log: Logger, stop: () => void, lost: () => void) {
    this.#log = log;
    this.#stop = stop;
    this.#lost = lost;
  }

  event(event: WorkerEvent): void {
    if (event.type !== "refused") return;
    const { address, reason, requests } = event;
    this.#log.diagnostic(
      { address, reason, requests },
      "requests refused; address and reason of the last one",
    );
  }

  reclassified(): void {
    this.#log.info("all peers are classified by the new groups");
  }

  crashed(worker: number, err: unknown, { shards, swarms, peers, faults }: Recovery): void {
    this.#log.critical(
      { err, worker },
      "a worker crashed; the others are not affected, and it will be replaced",
    );
    if (shards === 0) return;
    this.#lost();
    this.#log.error(
      { worker, shards, swarms, peers },
      "the worker crashed while holding shards: their swarms were dropped; clients will announce again",
    );
    if (faults.length > 0)
      this.#log.error(
        { worker, faults },
        "shards were not empty after their swarms were dropped: please report this",
      );
  }

  replaced(worker: number): void {
    this.#log.info({ worker }, "the worker is replaced");
  }

  gaveUp(err: unknown, reason: string): void {
    this.#log.critical({ err, reason }, "workers crash again and again: stopping");
    this.#stop();
  }
}
