/** The table of open connections: what is known of each, by its number. */
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
} as const;

const REMOTE_BYTES = 16;

const NOTHING = Buffer.alloc(0);

/** Everything is by a connection's number, from 0 on; the lowest free ones are used again. */
export class Connections {
  /** Set by the engine at the start of each turn, on the clock of `performance.now()`. */
  now = performance.now();
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
  readonly #inputs = new Map<number, Buffer>();
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

  /** @param fds one for each connection there can be, all -1. */
  constructor(fds: Int32Array) {
    const most = fds.length;
    this.fds = fds;
    this.flags = new Uint16Array(most);
    this.states = new Float64Array(most);
    this.deadlines = new Float64Array(most);
    this.sentAt = new Uint32Array(most);
    this.sentLength = new Uint32Array(most);
    this.sentIn = new Uint32Array(most);
    this.inputLengths = new Uint32Array(most);
    this.outputStarts = new Uint32Array(most);
    this.tokens = new Float64Array(most);
    this.#remotes = new Uint8Array(most * REMOTE_BYTES);
    this.#free = new Uint32Array(most);
  }

  /** Takes a number for a new connection. @returns -1 when there are as many as there can be. */
  open(fd: number, remote: Uint8Array, deadline: number): number {
    if (this.count === this.fds.length) return -1;
    const number = this.#freeCount > 0 ? this.#free[--this.#freeCount] : this.end++;
    this.count++;
    this.fds[number] = fd;
    this.flags[number] = 0;
    this.states[number] = 0;
    this.inputLengths[number] = 0;
    this.sentLength[number] = 0;
    this.deadlines[number] = deadline;
    this.storeRemote(number, remote);
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
    if (this.has(number, STATE.blocked) || this.inputLengths[number] > 0) return false;
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

  /** What is kept of a request, in the first `inputLengths` bytes. */
  input(number: number): Buffer {
    return this.#inputs.get(number) ?? NOTHING;
  }

  /** Adds `bytes[start, end)` to what is kept of a request. */
  append(number: number, bytes: Uint8Array, start: number, end: number): void {
    const kept = this.inputLengths[number];
    const input =
      kept === 0 ? keepInput(bytes, start, end) : appendInput(this.input(number), kept, bytes, start, end);
    this.#inputs.set(number, input);
    this.inputLengths[number] = kept + end - start;
  }

  /** Keeps `[start, end)` of an input of which the rest has been consumed. @param input may be the one that is kept. */
  keep(number: number, input: Uint8Array, start: number, end: number): void {
    if (start === end) {
      if (this.inputLengths[number] > 0) this.#inputs.delete(number);
    } else if (this.inputLengths[number] === 0 || start > 0) {
      this.#inputs.set(number, keepInput(input, start, end));
    }
    this.inputLengths[number] = end - start;
  }

  /** What could not be sent of a reply. */
  output(number: number): Buffer {
    return this.outputs.get(number) ?? NOTHING;
  }

  /** Forgets what is kept of requests and replies. */
  drop(number: number): void {
    if (this.inputLengths[number] > 0) this.#inputs.delete(number);
    this.inputLengths[number] = 0;
    if (this.has(number, STATE.blocked)) this.outputs.delete(number);
  }
}
