/**
 * The control plane's desk for what the data plane would have done: wakes when there is something, hands it to whoever
 * does that kind, and tells connections that wait when they need not any longer.
 */
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { type TaskKind, type TaskQueueData, TaskReader } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";

/** So many connections of a worker end their wait together, and the next so much later: others have their turn. */
const RESUMED_AT_ONCE = 64;
const RESUME_AGAIN_MS = 1;

/** Does one kind of task. @param worker whose it is, and whose connection waits by `token`, if that is not 0. */
export type TaskHandler = (worker: number, token: number, bytes: Uint8Array<ArrayBuffer>) => void;

type Resume = (worker: number, tokens: readonly number[], reply: UpstreamReply | undefined) => void;

/** The data plane, as far as it has tasks. */
interface Workers {
  /** One queue for each worker. */
  readonly tasks: readonly TaskQueueData[];
  /** Ends the waits of connections of a worker, and passes it the upstream tracker's reply. */
  readonly resume: Resume;
}

/** What has been taken. */
interface Task {
  readonly kind: number;
  readonly worker: number;
  readonly token: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly number: number;
}

/** A wait that is over. */
interface Over {
  readonly token: number;
  readonly reply: UpstreamReply | undefined;
}

/** Takes the tasks of all workers. */
export class TaskDispatcher {
  readonly #readers: readonly TaskReader[];
  readonly #resume: Resume;
  readonly #handlers = new Map<number, TaskHandler>();
  /** Of each worker, whose wait is over. */
  readonly #over: readonly Over[][];
  readonly #resuming: boolean[] = [];
  #loop: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor({ tasks, resume }: Workers) {
    this.#readers = tasks.map((queue) => new TaskReader(queue));
    this.#over = tasks.map(() => []);
    this.#resume = resume;
  }

  /** Says who does a kind of task; of kinds that nobody does, tasks are dropped. */
  handle(kind: TaskKind, handler: TaskHandler): void {
    this.#handlers.set(kind, handler);
  }

  /** Begins to take tasks. */
  start(): void {
    this.#loop = this.#takeAll();
  }

  /** Takes no more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#readers[0].interrupt();
    await this.#loop;
  }

  /** Ends the wait of a connection. A token of 0 belongs to none. @param reply the upstream tracker's reply to it. */
  resume(worker: number, token: number, reply?: UpstreamReply): void {
    if (token === 0) return;
    this.#over[worker].push({ token, reply });
    if (!this.#resuming[worker]) void this.#resumeAll(worker);
  }

  /**
   * Takes tasks in the order of their numbers. Looking twice finds those that came before any that the first look
   * found; what else the second finds is left for the next time, as something before it may have come meanwhile.
   */
  async #takeAll(): Promise<void> {
    let taken: Task[] = [];
    while (!this.#stopping) {
      const { came } = this.#readers[0];
      this.#look(taken);
      if (taken.length === 0) {
        await this.#readers[0].wait(came);
        continue;
      }
      const last = taken.reduce(
        (number, each) => (((each.number - number) | 0) > 0 ? each.number : number),
        taken[0].number,
      );
      this.#look(taken);
      taken.sort((a, b) => (a.number - b.number) | 0);
      const count = 1 + taken.findLastIndex(({ number }) => ((number - last) | 0) <= 0);
      for (const { kind, worker, token, bytes } of taken.slice(0, count))
        this.#handlers.get(kind)?.(worker, token, bytes);
      taken = taken.slice(count);
      await nextTurn();
    }
  }

  /** Takes all that there are. */
  #look(taken: Task[]): void {
    for (const [worker, reader] of this.#readers.entries())
      reader.drain(
        (kind, token, bytes, number) => taken.push({ kind, worker, token, bytes, number }),
        Number.POSITIVE_INFINITY,
      );
  }

  async #resumeAll(worker: number): Promise<void> {
    const over = this.#over[worker];
    this.#resuming[worker] = true;
    // What else comes to its end in this turn goes along.
    await nextTurn();
    let resumed = 0;
    while (over.length > 0) {
      // Connections with the same reply go into one message.
      const { reply } = over[0];
      const other = over.findIndex((each) => each.reply !== reply);
      const count = Math.min(RESUMED_AT_ONCE, other === -1 ? over.length : other);
      const tokens = over.splice(0, count).map(({ token }) => token);
      this.#resume(worker, tokens, reply);
      resumed += count;
      if (resumed < RESUMED_AT_ONCE) continue;
      resumed = 0;
      await delay(RESUME_AGAIN_MS);
    }
    this.#resuming[worker] = false;
  }
}
