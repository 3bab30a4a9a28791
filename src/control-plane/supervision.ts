/** Reports to the service manager (sd_notify), if there is one. */
import type { WorkerPool } from "../data-plane/worker-pool.ts";
import { countText } from "../model/count-text.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { Notifier } from "../systemd/notifier.ts";
import type { Component } from "./lifecycle.ts";

/** Maximum time between two reports, and the number of reports within the watchdog's timeout. */
const REPORT_MS = 10_000;
const REPORTS_WITHIN_WATCHDOG = 3;

/** Reports that the tracker is ready, that all workers are alive, and that the tracker stops. */
export class Supervision implements Component {
  /** What the operator must know besides, such as why a reload was refused. */
  notice: string | undefined;
  readonly #notifier: Notifier | undefined;
  readonly #workers: WorkerPool;
  readonly #store: SwarmStore;
  #timer: NodeJS.Timeout | undefined;

  constructor(notifier: Notifier | undefined, workers: WorkerPool, store: SwarmStore) {
    this.#notifier = notifier;
    this.#workers = workers;
    this.#store = store;
  }

  /** Reports that the tracker is ready, and begins to report that it is alive. */
  start(): void {
    const notifier = this.#notifier;
    if (notifier === undefined) return;
    notifier.ready(this.#status());
    this.#workers.silent();
    const { watchdogMs = Number.POSITIVE_INFINITY } = notifier;
    const intervalMs = Math.min(REPORT_MS, watchdogMs / REPORTS_WITHIN_WATCHDOG);
    this.#timer = setInterval(() => this.#report(notifier), intervalMs);
  }

  /** Reports that a reload has begun. */
  reloading(): void {
    if (this.#timer !== undefined) this.#notifier?.reloading();
  }

  /** Reports that a reload has ended, successfully or not. */
  reloaded(): void {
    if (this.#timer !== undefined) this.#notifier?.ready(this.#status());
  }

  /** Reports that the tracker stops. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#notifier?.stopping("answering requests in flight, and saving");
  }

  /** The timer shows that the control plane's event loop is alive; the workers' clocks show that they are. */
  #report(notifier: Notifier): void {
    const silent = this.#workers.silent();
    if (silent.length === 0) notifier.alive(this.#status());
    else notifier.status(`workers that do not respond: ${silent.join(", ")}`);
  }

  #status(): string {
    const { peerCount, swarmCount } = this.#store;
    const serving = `serving ${countText(peerCount, "peer")} of ${countText(swarmCount, "torrent")}`;
    return this.notice === undefined ? serving : `${serving}; ${this.notice}`;
  }
}
