/**
 * Dispatches the workers' tasks to their handlers, on the control plane, and resumes the deferred requests that wait
 * for them.
 */
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { TASK, type TaskKind, type TaskQueueData, TaskReader } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";

/**
 * Requests of one worker that are resumed at once, and the pause after them, in which the worker serves other
 * requests.
 */
const RESUMED_AT_ONCE = 64;
const RESUME_PAUSE_MS = 1;

/** Milliseconds from the first task to its dispatch. Each wake-up interrupts a worker that shares the core. */
const GATHER_MS = 1;

/**
 * Milliseconds between two looks for tasks of the gate while they come. No client waits for them, but a closing must be in
 * force within 70 ms, and the router needs about 30 ms of these. A wake-up costs more than the tasks that it finds
 * (docs/benchmarks/2026-11-29-gate.md).
 */
const GATE_GATHER_MS = 25;

/** Handles one kind of task. @param worker that queued it. @param token of the deferred request that waits, or 0. */
export type TaskHandler = (worker: number, token: number, bytes: Uint8Array<ArrayBuffer>) => void;

type Resume = (worker: number, tokens: readonly number[], reply: UpstreamReply | undefined) => void;

/** What the dispatcher needs of the worker pool. */
interface Workers {
  /** The queue of each worker. */
  readonly tasks: readonly TaskQueueData[];
  /** Ends the waits of a worker's deferred requests. */
  readonly resume: Resume;
}

/** A task that was taken from a queue. */
interface Task {
  readonly kind: number;
  readonly worker: number;
  readonly token: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly number: number;
}

/** A deferred request that is to be resumed. */
interface Resumable {
  readonly token: number;
  readonly reply: UpstreamReply | undefined;
}

/** Takes the tasks of all workers, and dispatches each one. */
export class TaskDispatcher {
  readonly #readers: readonly TaskReader[];
  readonly #resume: Resume;
  readonly #handlers = new Map<number, TaskHandler>();
  /** The requests that are to be resumed, of each worker. */
  readonly #resumable: readonly Resumable[][];
  readonly #resuming: boolean[] = [];
  #loop: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor({ tasks, resume }: Workers) {
    this.#readers = tasks.map((queue) => new TaskReader(queue));
    this.#resumable = tasks.map(() => []);
    this.#resume = resume;
  }

  /** Sets the handler of a kind of task. Tasks without a handler are dropped. */
  handle(kind: TaskKind, handler: TaskHandler): void {
    this.#handlers.set(kind, handler);
  }

  /** Begins to dispatch tasks. */
  start(): void {
    this.#loop = this.#dispatchAll();
  }

  /** Stops dispatching. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#readers[0].interrupt();
    await this.#loop;
  }

  /** Resumes a deferred request, unless the token is 0. @param reply of the upstream tracker, if it was asked. */
  resume(worker: number, token: number, reply?: UpstreamReply): void {
    if (token === 0) return;
    this.#resumable[worker].push({ token, reply });
    if (!this.#resuming[worker]) void this.#resumeAll(worker);
  }

  /**
   * Dispatches tasks in the order of their numbers. The queues are read twice: the second reading finds tasks with
   * lower numbers than those of the first that were pushed in the meantime. Tasks with higher numbers are left for
   * the next round, as tasks before them may still be missing.
   */
  async #dispatchAll(): Promise<void> {
    let taken: Task[] = [];
    while (!this.#stopping) {
      const { pushed } = this.#readers[0];
      this.#drain(taken);
      if (taken.length === 0) {
        await this.#sleep(taken, pushed);
        continue;
      }
      const last = taken.reduce(
        (number, each) => (((each.number - number) | 0) > 0 ? each.number : number),
        taken[0].number,
      );
      this.#drain(taken);
      taken.sort((a, b) => (a.number - b.number) | 0);
      const count = 1 + taken.findLastIndex(({ number }) => ((number - last) | 0) <= 0);
      for (const { kind, worker, token, bytes } of taken.slice(0, count))
        this.#handlers.get(kind)?.(worker, token, bytes);
      const isGates = taken.some(({ kind }) => kind === TASK.gate);
      taken = taken.slice(count);
      if (isGates && taken.length === 0) await this.#watchGate(pushed);
      else await nextTurn();
    }
  }

  /** Waits for a task. @param taken receives tasks that were pushed meanwhile without a wake-up. */
  async #sleep(taken: Task[], pushed: number): Promise<void> {
    this.#readers[0].watchesGate = false;
    this.#drain(taken);
    if (taken.length > 0) return;
    await this.#readers[0].wait(pushed);
    await delay(GATHER_MS);
  }

  /** Waits for tasks of the gate to gather, or for another one. Tasks of the gate do not wake the control plane then. */
  async #watchGate(pushed: number): Promise<void> {
    this.#readers[0].watchesGate = true;
    const woken = await this.#readers[0].wait(pushed, GATE_GATHER_MS);
    if (woken !== "timed-out") await delay(GATHER_MS);
  }

  /** Takes all tasks from the queues. */
  #drain(taken: Task[]): void {
    for (const [worker, reader] of this.#readers.entries())
      reader.drain(
        (kind, token, bytes, number) => taken.push({ kind, worker, token, bytes, number }),
        Number.POSITIVE_INFINITY,
      );
  }

  async #resumeAll(worker: number): Promise<void> {
    const resumable = this.#resumable[worker];
    this.#resuming[worker] = true;
    // Requests that are resumed later in this turn of the event loop are included.
    await nextTurn();
    let resumed = 0;
    while (resumable.length > 0) {
      // Requests with the same reply go in one message.
      const { reply } = resumable[0];
      const other = resumable.findIndex((each) => each.reply !== reply);
      const count = Math.min(RESUMED_AT_ONCE, other === -1 ? resumable.length : other);
      const tokens = resumable.splice(0, count).map(({ token }) => token);
      this.#resume(worker, tokens, reply);
      resumed += count;
      if (resumed < RESUMED_AT_ONCE) continue;
      resumed = 0;
      await delay(RESUME_PAUSE_MS);
    }
    this.#resuming[worker] = false;
  }
}
