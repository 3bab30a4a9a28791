/**
 * The control plane's desk for what the data plane would have done: wakes when there is something, hands it to whoever
 * does that kind, and tells connections that wait when they need not any longer.
 */
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { type ErrandKind, type ErrandQueueData, ErrandReader } from "./tracker/errand-queue.ts";
import type { Told } from "./tracker/told.ts";

/** Errands that are taken in a row; in between, the event loop goes round. */
const AT_ONCE = 256;

/** So many connections of a worker end their wait together, and the next so much later: others have their turn. */
const RESUMED_AT_ONCE = 64;
const RESUME_AGAIN_MS = 1;

/** Does one kind of errand. @param worker whose it is, and whose connection waits by `token`, if that is not 0. */
export type ErrandHandler = (worker: number, token: number, bytes: Uint8Array<ArrayBuffer>) => void;

type Resume = (worker: number, tokens: readonly number[], told: Told | undefined) => void;

/** The data plane, as far as it has errands. */
interface Workers {
  /** One queue for each worker. */
  readonly errands: readonly ErrandQueueData[];
  /** Tells a worker that these need not wait any longer, and what they are told. */
  readonly resume: Resume;
}

/** A wait that is over. */
interface Over {
  readonly token: number;
  readonly told: Told | undefined;
}

/** Takes the errands of all workers. */
export class ErrandDesk {
  readonly #readers: readonly ErrandReader[];
  readonly #resume: Resume;
  readonly #handlers = new Map<number, ErrandHandler>();
  /** Of each worker, whose wait is over. */
  readonly #over: readonly Over[][];
  readonly #resuming: boolean[] = [];
  #loops: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor({ errands, resume }: Workers) {
    this.#readers = errands.map((queue) => new ErrandReader(queue));
    this.#over = errands.map(() => []);
    this.#resume = resume;
  }

  /** Says who does a kind of errand; of kinds that nobody does, errands are dropped. */
  handle(kind: ErrandKind, handler: ErrandHandler): void {
    this.#handlers.set(kind, handler);
  }

  /** Begins to take errands. */
  start(): void {
    this.#loops = Promise.all(this.#readers.map((reader, worker) => this.#take(reader, worker)));
  }

  /** Takes no more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const reader of this.#readers) reader.interrupt();
    await this.#loops;
  }

  /** A connection need not wait any longer. A token of 0 is nobody's. @param told what an external tracker said to it. */
  resume(worker: number, token: number, told?: Told): void {
    if (token === 0) return;
    this.#over[worker].push({ token, told });
    if (!this.#resuming[worker]) void this.#resumeAll(worker);
  }

  async #take(reader: ErrandReader, worker: number): Promise<void> {
    const visit = (kind: number, token: number, bytes: Uint8Array<ArrayBuffer>) => {
      this.#handlers.get(kind)?.(worker, token, bytes);
    };
    while (!this.#stopping) {
      if (reader.drain(visit, AT_ONCE)) await nextTurn();
      else await reader.wait();
    }
  }

  async #resumeAll(worker: number): Promise<void> {
    const over = this.#over[worker];
    this.#resuming[worker] = true;
    // What else comes to its end in this turn goes along.
    await nextTurn();
    let resumed = 0;
    while (over.length > 0) {
      // Those that are told the same go in one message.
      const { told } = over[0];
      const other = over.findIndex((each) => each.told !== told);
      const count = Math.min(RESUMED_AT_ONCE, other === -1 ? over.length : other);
      const tokens = over.splice(0, count).map(({ token }) => token);
      this.#resume(worker, tokens, told);
      resumed += count;
      if (resumed < RESUMED_AT_ONCE) continue;
      resumed = 0;
      await delay(RESUME_AGAIN_MS);
    }
    this.#resuming[worker] = false;
  }
}
