/**
 * A queue of tasks for the control plane, in a ring of bytes in shared memory. Each worker has one. Only the worker
 * writes to it, and only the control plane reads. A task that finds the queue full is dropped and counted: announces
 * do not depend on tasks.
 *
 *     task    length of its bytes | kind << 24, token low, token high, number (4 bytes each), bytes, filled up to 4
 *
 * The tasks of all workers share one sequence of numbers, so that they can be processed in the order of the requests: a
 * client's next request may be served by another worker.
 */
import { COUNTER } from "../model/counters.ts";

/** The kinds of tasks. */
export const TASK = {
  /** Ask neighbors for peers of a swarm. */
  refresh: 1,
  /** Ask an upstream tracker. */
  forward: 2,
  /** Look at a swarm again for the gate. */
  gate: 3,
  /** Never gate a swarm: its announces are for an upstream tracker that is ignored, and may keep accounts. */
  ungate: 4,
} as const;

/** One of {@link TASK}. */
export type TaskKind = (typeof TASK)[keyof typeof TASK];

/** Bytes of a ring; a power of two. */
const RING_BYTES = 1 << 20;

/** Maximum bytes of one task. */
export const TASK_BYTES = 40 * 1024;

/**
 * The part of a ring that tasks of the gate may fill. They come in bursts, and are repaired by rounds when they are dropped;
 * no client waits for them, as one may for other tasks.
 */
const GATE_PART = 0.5;

/** Up to so many bytes are copied faster one by one. */
const FEW_BYTES = 64;

const HEAD_BYTES = 16;
const LENGTH_MASK = 0xff_ffff;
const WORD = 2 ** 32;

/** Words of the header: bytes ever written and read, modulo 2^32. */
const WRITTEN = 0;
const READ = 1;

/** Words that all queues share, modulo 2^32: the numbers assigned, the tasks pushed, and whether {@link TaskReader.watchesGate}. */
const NUMBERED = 0;
const PUSHED = 1;
const GATE_WATCHED = 2;
const SHARED_BYTES = 12;

/** A queue's shared memory. */
export interface TaskQueueData {
  readonly shared: Int32Array<SharedArrayBuffer>;
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly ring: Uint8Array<SharedArrayBuffer>;
}

/**
 * Allocates an empty queue.
 * @param bytes of the ring, a power of two.
 * @param shared the words shared with other queues.
 */
export function allocateTaskQueue(
  bytes = RING_BYTES,
  shared = new Int32Array(new SharedArrayBuffer(SHARED_BYTES)),
): TaskQueueData {
  return {
    shared,
    header: new Int32Array(new SharedArrayBuffer(8)),
    ring: new Uint8Array(new SharedArrayBuffer(bytes)),
  };
}

/** Allocates the queues of all workers. */
export function allocateTaskQueues(workers: number): TaskQueueData[] {
  const { shared } = allocateTaskQueue(1);
  return Array.from({ length: workers }, () => allocateTaskQueue(RING_BYTES, shared));
}

/** Bytes that a task takes in the ring. */
function roomFor(length: number): number {
  return HEAD_BYTES + ((length + 3) & ~3);
}

/** Writes a worker's tasks. */
export class TaskWriter {
  readonly #shared: Int32Array<SharedArrayBuffer>;
  readonly #header: Int32Array<SharedArrayBuffer>;
  readonly #ring: Uint8Array<SharedArrayBuffer>;
  readonly #mask: number;
  readonly #counters: Float64Array;

  /** @param counters of model/counters.ts: dropped tasks are counted. */
  constructor({ shared, header, ring }: TaskQueueData, counters: Float64Array) {
    this.#shared = shared;
    this.#header = header;
    this.#ring = ring;
    this.#mask = ring.length - 1;
    this.#counters = counters;
  }

  /**
   * Adds a task and wakes the control plane, unless it looks for such a task by itself.
   * @param token of the deferred request that waits for it (engine.ts), or 0.
   * @param bytes `[start, end)` are the task's bytes, at most {@link TASK_BYTES}.
   * @returns false if there is no room: the task is dropped and counted.
   */
  push(kind: TaskKind, token: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const written = this.#header[WRITTEN];
    const taken = (written - Atomics.load(this.#header, READ)) >>> 0;
    const isGates = kind === TASK.gate || kind === TASK.ungate;
    const room = isGates ? this.#ring.length * GATE_PART : this.#ring.length;
    if (length > TASK_BYTES || taken + roomFor(length) > room) {
      this.#counters[isGates ? COUNTER.gateTasksDropped : COUNTER.tasksDropped]++;
      return false;
    }
    this.#putWord(written, length | (kind << 24));
    this.#putWord(written + 4, token % WORD);
    this.#putWord(written + 8, token / WORD);
    this.#putWord(written + 12, Atomics.add(this.#shared, NUMBERED, 1));
    for (let i = 0; i < length; i++) {
      this.#ring[(written + HEAD_BYTES + i) & this.#mask] = bytes[start + i];
    }
    Atomics.store(this.#header, WRITTEN, (written + roomFor(length)) | 0);
    if (isGates && Atomics.load(this.#shared, GATE_WATCHED) !== 0) return true;
    Atomics.add(this.#shared, PUSHED, 1);
    Atomics.notify(this.#shared, PUSHED);
    return true;
  }

  /** Tasks are padded to whole words, so a word never wraps around the end of the ring. */
  #putWord(at: number, word: number): void {
    const place = at & this.#mask;
    this.#ring[place] = word;
    this.#ring[place + 1] = word >>> 8;
    this.#ring[place + 2] = word >>> 16;
    this.#ring[place + 3] = word >>> 24;
  }
}

/** Called with one task. The callee owns the bytes. @param number modulo 2^32, signed. */
type TaskVisitor = (kind: number, token: number, bytes: Uint8Array<ArrayBuffer>, number: number) => void;

/** Reads the tasks of one worker, on the control plane. */
export class TaskReader {
  readonly #shared: Int32Array<SharedArrayBuffer>;
  readonly #header: Int32Array<SharedArrayBuffer>;
  readonly #ring: Uint8Array<SharedArrayBuffer>;
  readonly #mask: number;

  constructor({ shared, header, ring }: TaskQueueData) {
    this.#shared = shared;
    this.#header = header;
    this.#ring = ring;
    this.#mask = ring.length - 1;
  }

  /** Takes up to `limit` tasks in order. @returns whether there may be more. */
  drain(visit: TaskVisitor, limit: number): boolean {
    for (let taken = 0; taken < limit; taken++) {
      const read = this.#header[READ];
      if (read === Atomics.load(this.#header, WRITTEN)) return false;
      const first = this.#word(read);
      const token = this.#word(read + 4) + this.#word(read + 8) * WORD;
      const number = this.#word(read + 12) | 0;
      const bytes = this.#copy(read + HEAD_BYTES, first & LENGTH_MASK);
      Atomics.store(this.#header, READ, (read + roomFor(bytes.length)) | 0);
      visit(first >>> 24, token, bytes, number);
    }
    return true;
  }

  /**
   * Whether the control plane looks for tasks of the gate from time to time: they do not wake it then. After it is set to
   * false, a task may still be there that did not wake it.
   */
  set watchesGate(value: boolean) {
    Atomics.store(this.#shared, GATE_WATCHED, Number(value));
  }

  /**
   * The number of tasks pushed to all queues: read it before the queues, and {@link wait} with it if they are empty.
   */
  get pushed(): number {
    return Atomics.load(this.#shared, PUSHED);
  }

  /**
   * Waits for a task in any queue.
   * @param pushed as read before the queues.
   * @param waitMs the longest wait.
   * @returns undefined if there are new tasks; else "timed-out" after the longest wait.
   */
  wait(pushed: number, waitMs = Number.POSITIVE_INFINITY): Promise<unknown> | undefined {
    const waiting = Atomics.waitAsync(this.#shared, PUSHED, pushed, waitMs);
    return waiting.async ? waiting.value : undefined;
  }

  /** Ends a {@link wait}. */
  interrupt(): void {
    Atomics.add(this.#shared, PUSHED, 1);
    Atomics.notify(this.#shared, PUSHED);
  }

  #word(at: number): number {
    const place = at & this.#mask;
    const ring = this.#ring;
    return (ring[place] | (ring[place + 1] << 8) | (ring[place + 2] << 16) | (ring[place + 3] << 24)) >>> 0;
  }

  #copy(at: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const start = at & this.#mask;
    if (length <= FEW_BYTES) {
      for (let i = 0; i < length; i++) bytes[i] = this.#ring[(start + i) & this.#mask];
      return bytes;
    }
    const beforeEnd = Math.min(length, this.#ring.length - start);
    bytes.set(this.#ring.subarray(start, start + beforeEnd));
    bytes.set(this.#ring.subarray(0, length - beforeEnd), beforeEnd);
    return bytes;
  }
}
