/** The table of open connections: what is known of each, by its number. */
import { Crowd, type CrowdLimits } from "../crowd/crowd.ts";
import { appendInput, keepInput } from "../kept-input.ts";

/** Flags of a connection. */
export const STATE = {
  /** An operation that brings what it sends is under way. */
  receiving: 1 << 0,
  /** The kernel took less than was written; until all is sent nothing more is read or served. */
  blocked: 1 << 1,
  /** A poll for room to send is under way. */
  polling: 1 << 2,
  /** The other end has sent all it will. */
  peerEnded: 1 << 3,
  /** Nothing is served any more. */
  closing: 1 << 4,
  /** Of those closing: what still comes is dropped until the other end closes. */
  draining: 1 << 5,
  /** Closed as soon as nothing is under way. */
  dying: 1 << 6,
  /** Its descriptor is being closed. */
  ending: 1 << 7,
  /** The service has deferred its answer: nothing more is served, and not much is read. */
  waiting: 1 << 8,
  /** The request at the front of the input has waited. */
  resumed: 1 << 9,
  /** It has had its turn, and there is more to serve: nothing is served before its next one, and not much is read. */
  queued: 1 << 10,
  /** Nothing can be sent to the other end any more: what it has sent before is served without. */
  gone: 1 << 11,
  /** Receiving is being cancelled. */
  halting: 1 << 12,
} as const;

const REMOTE_BYTES = 16;

/** Buffers that are used again, and how large they are: what is received at once fits. */
const SPARES = 16;
const SPARE_BYTES = 8192;

const NOTHING = Buffer.alloc(0);

/** Everything is by a connection's number, from 0 on; the lowest free ones are used again. */
export class Connections {
  /** Set by the engine at the start of each turn, on the clock of `performance.now()`. */
  now = performance.now();
  /** Who makes room for others; one that is being closed does not belong to it any more. */
  readonly crowd: Crowd;
  /** Descriptors, or -1, in shared memory: who clears away after a thread that died reads them. */
  readonly fds: Int32Array;
  readonly flags: Uint16Array;
  /** The service's number. */
  readonly states: Float64Array;
  /** When the present wait is over, on the clock of `performance.now()`. */
  readonly deadlines: Float64Array;
  /** Where the reply that was last sent lies, until it is known to have been taken, and how long it is; 0: there was none. */
  readonly sentAt: Uint32Array;
  readonly sentLength: Uint32Array;
  /** The number of the batch in which that was. */
  readonly sentIn: Uint32Array;
  /** The start of a request, of the few that come in pieces. */
  readonly #inputs: (Buffer | undefined)[];
  /** Buffers for it that are free: what is left of a turn leaves no garbage, as long as there are some. */
  readonly #spare: Buffer[] = Array.from({ length: SPARES }, () => Buffer.allocUnsafeSlow(SPARE_BYTES));
  /** Where in its buffer what is kept begins, and how long it is. */
  readonly inputStarts: Uint32Array;
  readonly inputLengths: Uint32Array;
  /** What could not be sent, of the few that read slowly, and how much of it has been sent since. */
  readonly outputs = new Map<number, Buffer>();
  readonly outputStarts: Uint32Array;
  /** What those wait by that are waiting. */
  readonly tokens: Float64Array;
  /** Open connections. */
  count = 0;
  /** No number from this on has been used. */
  end = 0;
  readonly #remotes: Uint8Array;
  /** A stack of the numbers that are free again. */
  readonly #free: Uint32Array;
  #freeCount = 0;

  /** @param fds one for each connection there can be, those that are being closed included, all -1. */
  constructor(fds: Int32Array, limits: CrowdLimits) {
    const most = fds.length;
    this.crowd = new Crowd(limits, most);
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
   * Takes a number for a new connection, which the crowd has let in.
   * @param isProxy see {@link Crowd.judge}.
   * @returns -1 when there is none, as too many others are being closed.
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
    this.crowd.add(number, remote, isProxy);
    return number;
  }

  /** Gives the number of a closed connection back. */
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

  /** Whether no request is under way, and no reply. @param evenNew also if there has been no reply at all yet. */
  isIdle(number: number, evenNew: boolean): boolean {
    if (this.has(number, STATE.blocked | STATE.queued | STATE.ending) || this.inputLengths[number] > 0)
      return false;
    return evenNew || this.sentLength[number] > 0;
  }

  /** Copies the other end's address to `remote`, or from there. */
  loadRemote(number: number, remote: Uint8Array): void {
    const at = number * REMOTE_BYTES;
    for (let i = 0; i < REMOTE_BYTES; i++) remote[i] = this.#remotes[at + i];
  }
  storeRemote(number: number, remote: Uint8Array): void {
    const at = number * REMOTE_BYTES;
    for (let i = 0; i < REMOTE_BYTES; i++) this.#remotes[at + i] = remote[i];
  }

  /** What is kept of requests: `inputLengths` bytes from `inputStarts` on. */
  input(number: number): Buffer {
    return this.#inputs[number] ?? NOTHING;
  }

  /** Adds `bytes[start, end)` to what is kept of requests. */
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

  /** Keeps `[start, end)` of an input of which the rest has been consumed. @param input may be the one that is kept. */
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

  /** What could not be sent of a reply. */
  output(number: number): Buffer {
    return this.outputs.get(number) ?? NOTHING;
  }

  /** Forgets what is kept of requests and replies. */
  drop(number: number): void {
    if (this.inputLengths[number] > 0) this.#release(number);
    this.inputStarts[number] = 0;
    this.inputLengths[number] = 0;
    if (this.has(number, STATE.blocked)) this.outputs.delete(number);
  }

  /** Forgets what could not be sent: the connection is blocked no more. */
  dropOutput(number: number): void {
    this.outputs.delete(number);
    this.clear(number, STATE.blocked);
  }

  /** A buffer that begins with `bytes[start, end)`. */
  #copy(bytes: Buffer, start: number, end: number): Buffer {
    const spare = end - start <= SPARE_BYTES ? this.#spare.pop() : undefined;
    if (spare === undefined) return keepInput(bytes, start, end);
    bytes.copy(spare, 0, start, end);
    return spare;
  }

  /** Gives a connection's buffer back. */
  #release(number: number): void {
    const input = this.#inputs[number];
    if (input?.length === SPARE_BYTES && this.#spare.length < SPARES) this.#spare.push(input);
    this.#inputs[number] = undefined;
  }
}
