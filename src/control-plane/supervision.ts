/** What the service manager hears of the running tracker; nothing where there is none. */
import type { WorkerPool } from "../data-plane/worker-pool.ts";
import { CONTROL_PLANE } from "../store/shard-lock.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import type { Notifier } from "../systemd/notifier.ts";

/** How often it hears, at least; and how often within the time after which it would restart us. */
const SAY_MS = 10_000;
const TIMES_WITHIN_WATCHDOG = 3;

/** Says how all threads do, from when the tracker is ready until it stops. */
export class Supervision {
  readonly #notifier: Notifier | undefined;
  readonly #plane: WorkerPool;
  readonly #store: SwarmStore;
  #timer: NodeJS.Timeout | undefined;

  constructor(notifier: Notifier | undefined, plane: WorkerPool, store: SwarmStoreData) {
    this.#notifier = notifier;
    this.#plane = plane;
    this.#store = new SwarmStore(store, CONTROL_PLANE);
  }

  /** Clients are answered. */
  start(): void {
    const notifier = this.#notifier;
    if (notifier === undefined) return;
    notifier.ready(this.#status());
    this.#plane.silent();
    const { watchdogMs = Number.POSITIVE_INFINITY } = notifier;
    const everyMs = Math.min(SAY_MS, watchdogMs / TIMES_WITHIN_WATCHDOG);
    this.#timer = setInterval(() => this.#say(notifier), everyMs);
  }

  /** The configuration is about to be read again. */
  reloading(): void {
    if (this.#timer !== undefined) this.#notifier?.reloading();
  }

  /** It has been, whatever came of it. */
  reloaded(): void {
    if (this.#timer !== undefined) this.#notifier?.ready(this.#status());
  }

  /** Nobody is accepted any more. */
  stopping(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#notifier?.stopping("answering what is under way, and saving");
  }

  /** This runs on the event loop, and so that is alive; the workers show it by their clocks. */
  #say(notifier: Notifier): void {
    const silent = this.#plane.silent();
    if (silent.length === 0) notifier.alive(this.#status());
    else notifier.status(`data-plane threads that do not answer: ${silent.join(", ")}`);
  }

  #status(): string {
    const count = (number: number) => number.toLocaleString("en");
    return `serving ${count(this.#store.peerCount)} peers of ${count(this.#store.swarmCount)} torrents`;
  }
}
