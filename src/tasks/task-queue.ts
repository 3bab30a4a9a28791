/**
 * What a data-plane thread would have the control plane do: tasks, in a ring of bytes in shared memory. There is one
 * for each thread, which alone writes to it; the control plane alone reads. When it is full the task is dropped and
 * counted: whoever had it can do without.
 *
 *     task    length of its bytes | kind << 24, token low, token high, number (4 bytes each), bytes, filled up to 4
 *
 * The tasks of all threads are numbered together: what a client asks of one thread after another has answered it must
 * not overtake.
 */
import { COUNTER } from "../model/counters.ts";

/** What there is to do. */
export const TASK = {
  /** Ask neighbors for peers of a swarm. */
  refresh: 1,
  /** Ask an external tracker. */
  forward: 2,
} as const;

/** One of {@link TASK}. */
export type TaskKind = (typeof TASK)[keyof typeof TASK];

/** Bytes of a ring; a power of two. */
const RING_BYTES = 1 << 20;

/** Longest that the bytes of one task may be. */
export const TASK_BYTES = 40 * 1024;

const HEAD_BYTES = 16;
const LENGTH_MASK = 0xff_ffff;
const WORD = 2 ** 32;

/** Words of the header: bytes ever written and read, modulo 2^32. */
const WRITTEN = 0;
const READ = 1;

/** Words that all queues share: tasks numbered, and tasks that are there to be taken, modulo 2^32. */
const NUMBERED = 0;
const THERE = 1;

/** A queue's shared memory. */
export interface TaskQueueData {
  readonly shared: Int32Array<SharedArrayBuffer>;
  readonly header: Int32Array<SharedArrayBuffer>;
  readonly ring: Uint8Array<SharedArrayBuffer>;
}

/** Allocates an empty queue. @param bytes of the ring, a power of two. @param shared of the other queues, if there are. */
export function allocateTaskQueue(
  bytes = RING_BYTES,
  shared = new Int32Array(new SharedArrayBuffer(8)),
): TaskQueueData {
  return {
    shared,
    header: new Int32Array(new SharedArrayBuffer(8)),
    ring: new Uint8Array(new SharedArrayBuffer(bytes)),
  };
}

/** Allocates the queues of so many threads. */
export function allocateTaskQueues(threads: number): TaskQueueData[] {
  const { shared } = allocateTaskQueue(1);
  return Array.from({ length: threads }, () => allocateTaskQueue(RING_BYTES, shared));
}

/** Room that a task takes. */
function roomFor(length: number): number {
  return HEAD_BYTES + ((length + 3) & ~3);
}

/** The data plane's end. */
export class TaskWriter {
  readonly #shared: Int32Array<SharedArrayBuffer>;
  readonly #header: Int32Array<SharedArrayBuffer>;
  readonly #ring: Uint8Array<SharedArrayBuffer>;
  readonly #mask: number;
  readonly #counters: Float64Array;

  /** @param counters where what was dropped is counted, by model/counters.ts. */
  constructor({ shared, header, ring }: TaskQueueData, counters: Float64Array) {
    this.#shared = shared;
    this.#header = header;
    this.#ring = ring;
    this.#mask = ring.length - 1;
    this.#counters = counters;
  }

  /**
   * Adds a task and wakes the control plane.
   * @param token the connection that waits for it (engine.ts), or 0.
   * @param bytes `[start, end)` is what the control plane has to know, at most {@link TASK_BYTES}.
   * @returns false when there is no room: it is dropped and counted.
   */
  push(kind: TaskKind, token: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const written = this.#header[WRITTEN];
    const taken = (written - Atomics.load(this.#header, READ)) >>> 0;
    if (length > TASK_BYTES || taken + roomFor(length) > this.#ring.length) {
      this.#counters[COUNTER.tasksDropped]++;
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
    Atomics.add(this.#shared, THERE, 1);
    Atomics.notify(this.#shared, THERE);
    return true;
  }

  /** Tasks are filled up to words, so that none is torn by the end of the ring. */
  #putWord(at: number, word: number): void {
    const place = at & this.#mask;
    this.#ring[place] = word;
    this.#ring[place + 1] = word >>> 8;
    this.#ring[place + 2] = word >>> 16;
    this.#ring[place + 3] = word >>> 24;
  }
}

/** Called with one task. The bytes are the callee's to keep. @param number modulo 2^32, signed. */
type TaskVisitor = (kind: number, token: number, bytes: Uint8Array<ArrayBuffer>, number: number) => void;

/** The control plane's end. */
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

  /** Takes tasks, in their order, `most` at most. @returns whether there may be more. */
  drain(visit: TaskVisitor, most: number): boolean {
    for (let taken = 0; taken < most; taken++) {
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

  /** How many tasks have come, in all queues: what to {@link wait} with when none of them is left. */
  get came(): number {
    return Atomics.load(this.#shared, THERE);
  }

  /** Waits for a task in any queue. @param came as it was before looking. @returns undefined when more have come. */
  wait(came: number): Promise<unknown> | undefined {
    const waiting = Atomics.waitAsync(this.#shared, THERE, came);
    return waiting.async ? waiting.value : undefined;
  }

  /** Ends a {@link wait}. */
  interrupt(): void {
    Atomics.add(this.#shared, THERE, 1);
    Atomics.notify(this.#shared, THERE);
  }

  #word(at: number): number {
    const place = at & this.#mask;
    const ring = this.#ring;
    return (ring[place] | (ring[place + 1] << 8) | (ring[place + 2] << 16) | (ring[place + 3] << 24)) >>> 0;
  }

  #copy(at: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const start = at & this.#mask;
    const beforeEnd = Math.min(length, this.#ring.length - start);
    bytes.set(this.#ring.subarray(start, start + beforeEnd));
    bytes.set(this.#ring.subarray(0, length - beforeEnd), beforeEnd);
    return bytes;
  }
}
