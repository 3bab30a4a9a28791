/** The table of open connections, by number. */
import { ConnectionLimiter, type ConnectionLimits } from "../connection-limits/connection-limiter.ts";
import { appendInput, keepInput } from "../kept-input.ts";

/** Flags of a connection's state. */
export const STATE = {
  /** A receive operation is in flight. */
  receiving: 1 << 0,
  /** The kernel has not taken all of the reply; until it has, nothing is read or served. */
  blocked: 1 << 1,
  /** A poll for send buffer space is in flight. */
  polling: 1 << 2,
  /** The client has shut down its sending side. */
  peerEnded: 1 << 3,
  /** Nothing is served any more. */
  closing: 1 << 4,
  /** While closing: further input is discarded until the client closes. */
  draining: 1 << 5,
  /** Its descriptor is closed as soon as no operation is in flight. */
  aborting: 1 << 6,
  /** The close of its descriptor has been submitted. */
  closeSubmitted: 1 << 7,
  /** The service has deferred its request: nothing else is served, and a bounded amount is read. */
  deferred: 1 << 8,
  /** The first request of the input was deferred. */
  resumed: 1 << 9,
  /**
   * It has had its turn, and there is more to serve: nothing is served before its next turn, and a bounded amount is
   * read.
   */
  queued: 1 << 10,
  /** Replies cannot be sent any more: input received before is served without them. */
  disconnected: 1 << 11,
  /** The receive operation is being cancelled. */
  cancelling: 1 << 12,
} as const;

const REMOTE_BYTES = 16;

/** Buffers that are reused, and their size: one receive operation fits. */
const SPARES = 16;
const SPARE_BYTES = 8192;

const NOTHING = Buffer.alloc(0);

/** Columns indexed by connection number, from 0; free numbers are reused. */
export class Connections {
  /** Set by the engine at the start of each turn, on the clock of `performance.now()`. */
  now = performance.now();
  /** The connection limits. A connection that is being closed is removed from it. */
  readonly limiter: ConnectionLimiter;
  /** Descriptors, or -1, in shared memory: after a crash of the thread they are reclaimed from there. */
  readonly fds: Int32Array;
  readonly flags: Uint16Array;
  /** The number that the service keeps with a connection. */
  readonly states: Float64Array;
  /** Deadline of the current state, on the clock of `performance.now()`. */
  readonly deadlines: Float64Array;
  /** Offset and length of the last reply until it is known to be sent. Length 0: no reply yet. */
  readonly sentAt: Uint32Array;
  readonly sentLength: Uint32Array;
  /** Number of the batch that has the last reply. */
  readonly sentIn: Uint32Array;
  /** Buffered input of connections whose requests arrive in pieces. */
  readonly #inputs: (Buffer | undefined)[];
  /** Free buffers for input. As long as there are some, buffering allocates nothing. */
  readonly #spare: Buffer[] = Array.from({ length: SPARES }, () => Buffer.allocUnsafeSlow(SPARE_BYTES));
  /** Offset and length of the buffered input. */
  readonly inputStarts: Uint32Array;
  readonly inputLengths: Uint32Array;
  /** Unsent replies of slow readers, and how much of them has been sent since. */
  readonly outputs = new Map<number, Buffer>();
  readonly outputStarts: Uint32Array;
  /** Tokens of deferred requests. */
  readonly tokens: Float64Array;
  /** Open connections. */
  count = 0;
  /** Upper bound of the numbers in use so far. */
  end = 0;
  readonly #remotes: Uint8Array;
  /** A stack of free numbers. */
  readonly #free: Uint32Array;
  #freeCount = 0;

  /** @param fds an entry for each possible connection, those being closed included, all -1. */
  constructor(fds: Int32Array, limits: ConnectionLimits) {
    const most = fds.length;
    this.limiter = new ConnectionLimiter(limits, most);
    this.fds = fds;
    this.flags = new Uint16Array(most);
    this.states = new Float64Array(most);
    this.deadlines = new Float64Array(most);
    this.sentAt = new Uint32Array(most);
    this.sentLength = new Uint32Array(most);
    this.sentIn = new Uint32Array(most);
    this.#inputs = new Array<Buffer | undefined>(most).fill(undefined);
    this.inputStarts = new Uint32Array(most);
    this.inputLengths = new Uint32Array(most);
    this.outputStarts = new Uint32Array(most);
    this.tokens = new Float64Array(most);
    this.#remotes = new Uint8Array(most * REMOTE_BYTES);
    this.#free = new Uint32Array(most);
  }

  /**
   * Assigns a number to an accepted connection.
   * @param isProxy see {@link ConnectionLimiter.decide}.
   * @returns the number; -1 when none is free, as too many connections are being closed.
   */
  open(fd: number, remote: Uint8Array, isProxy: boolean, deadline: number): number {
    if (this.count === this.fds.length) return -1;
    const number = this.#freeCount > 0 ? this.#free[--this.#freeCount] : this.end++;
    this.count++;
    this.fds[number] = fd;
    this.flags[number] = 0;
    this.states[number] = 0;
    this.inputStarts[number] = 0;
    this.inputLengths[number] = 0;
    this.sentLength[number] = 0;
    this.deadlines[number] = deadline;
    this.storeRemote(number, remote);
    this.limiter.add(number, remote, isProxy);
    return number;
  }

  /** Releases the number of a closed connection. */
  free(number: number): void {
    this.fds[number] = -1;
    this.#free[this.#freeCount++] = number;
    this.count--;
  }

  has(number: number, flag: number): boolean {
    return (this.flags[number] & flag) !== 0;
  }
  set(number: number, flag: number): void {
    this.flags[number] |= flag;
  }
  clear(number: number, flag: number): void {
    this.flags[number] &= ~flag;
  }

  /**
   * Whether no request or reply is in progress. @param evenNew whether that includes connections without a reply yet.
   */
  isIdle(number: number, evenNew: boolean): boolean {
    if (
      this.has(number, STATE.blocked | STATE.queued | STATE.closeSubmitted) ||
      this.inputLengths[number] > 0
    )
      return false;
    return evenNew || this.sentLength[number] > 0;
  }

  /** Copies the client's address to `remote`, or from it. */
  loadRemote(number: number, remote: Uint8Array): void {
    const at = number * REMOTE_BYTES;
    for (let i = 0; i < REMOTE_BYTES; i++) remote[i] = this.#remotes[at + i];
  }
  storeRemote(number: number, remote: Uint8Array): void {
    const at = number * REMOTE_BYTES;
    for (let i = 0; i < REMOTE_BYTES; i++) this.#remotes[at + i] = remote[i];
  }

  /** The buffer of a connection's input, which is `inputLengths` bytes from `inputStarts` on. */
  input(number: number): Buffer {
    return this.#inputs[number] ?? NOTHING;
  }

  /** Appends `bytes[start, end)` to the buffered input. */
  append(number: number, bytes: Buffer, start: number, end: number): void {
    const kept = this.inputLengths[number];
    if (kept === 0) {
      this.#inputs[number] = this.#copy(bytes, start, end);
    } else {
      const from = this.inputStarts[number];
      const input = this.input(number);
      if (from > 0) input.copyWithin(0, from, from + kept);
      const appended = appendInput(input, kept, bytes, start, end);
      if (appended !== input) this.#release(number);
      this.#inputs[number] = appended;
    }
    this.inputStarts[number] = 0;
    this.inputLengths[number] = kept + end - start;
  }

  /** Buffers the unconsumed `[start, end)` of an input. @param input may be the buffered input itself. */
  keep(number: number, input: Buffer, start: number, end: number): void {
    const isOwn = this.inputLengths[number] > 0;
    const left = end - start;
    let from = start;
    if (left === 0) {
      if (isOwn) this.#release(number);
      from = 0;
    } else if (!isOwn || (input.length > SPARE_BYTES && left <= input.length >> 2)) {
      this.#inputs[number] = this.#copy(input, start, end);
      from = 0;
    }
    this.inputStarts[number] = from;
    this.inputLengths[number] = left;
  }

  /** The unsent reply. */
  output(number: number): Buffer {
    return this.outputs.get(number) ?? NOTHING;
  }

  /** Drops buffered input and unsent replies. */
  drop(number: number): void {
    if (this.inputLengths[number] > 0) this.#release(number);
    this.inputStarts[number] = 0;
    this.inputLengths[number] = 0;
    if (this.has(number, STATE.blocked)) this.outputs.delete(number);
  }

  /** Drops the unsent reply: the connection is no longer blocked. */
  dropOutput(number: number): void {
    this.outputs.delete(number);
    this.clear(number, STATE.blocked);
  }

  /** Copies `bytes[start, end)` to the start of a buffer. */
  #copy(bytes: Buffer, start: number, end: number): Buffer {
    const spare = end - start <= SPARE_BYTES ? this.#spare.pop() : undefined;
    if (spare === undefined) return keepInput(bytes, start, end);
    bytes.copy(spare, 0, start, end);
    return spare;
  }

  /** Releases a connection's input buffer. */
  #release(number: number): void {
    const input = this.#inputs[number];
    if (input?.length === SPARE_BYTES && this.#spare.length < SPARES) this.#spare.push(input);
    this.#inputs[number] = undefined;
  }
}
