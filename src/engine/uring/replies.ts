/** Replies on their way: written side by side, sent together, and kept where the kernel did not take all of one. */
import { REPLY_BYTES } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";
import { ERROR, POLL } from "./layouts.ts";
import { Memory } from "./memory.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";

/** Room for the replies that are sent together. */
const OUTPUT_BYTES = 8 * REPLY_BYTES;

/**
 * The replies of a thread. Sending does not wait, so that the kernel has taken them when the ring was entered, and the
 * memory is free again; what it did not take of a connection's reply is copied, and the connection is blocked until it
 * has. So a connection has one reply at most among those that are sent together.
 */
export class Replies {
  /** Where replies are written, from {@link written} on. */
  readonly bytes: Uint8Array;
  /** Bytes that have been written since the ring was last entered. */
  written = 0;
  readonly #ring: Ring;
  readonly #connections: Connections;
  /** Submits what waits. */
  readonly #flush: () => void;
  readonly #memory = Memory.allocate(OUTPUT_BYTES);
  /** Number of those that are sent together. */
  #batch = 1;

  constructor(ring: Ring, connections: Connections, flush: () => void) {
    this.#ring = ring;
    this.#connections = connections;
    this.#flush = flush;
    this.bytes = this.#memory.bytes;
  }

  /** Whether there is room for those of one connection's turn. If not, submitting makes some. */
  get hasRoom(): boolean {
    return this.written + 2 * REPLY_BYTES <= OUTPUT_BYTES;
  }

  /** Whether one of this connection is among those that will be sent when the ring is entered. */
  isUnderWay(number: number): boolean {
    return this.#connections.sentIn[number] === this.#batch;
  }

  /** Sends what was written from `from` on. */
  send(number: number, from: number): void {
    const length = this.#note(number, from);
    this.#ring.send(this.#connections.fds[number], this.#memory, from, length, number, PURPOSE.unsent);
  }

  /** Does so, and closes the descriptor if all was taken. */
  sendLast(number: number, from: number): void {
    const length = this.#note(number, from);
    const fd = this.#connections.fds[number];
    this.#ring.sendLast(fd, this.#memory, from, length, number, PURPOSE.unsent);
  }

  /** The ring has been entered, and {@link keep} has been told of what was not sent whole. */
  entered(): void {
    this.written = 0;
    this.#batch = (this.#batch + 1) >>> 0;
  }

  /**
   * Keeps what was not sent, and waits for room: the connection is blocked. @param result how much was sent, or an error.
   * @returns false when the connection is broken.
   */
  keep(number: number, result: number): boolean {
    if (result < 0 && result !== -ERROR.again) return false;
    const connections = this.#connections;
    const sent = Math.max(result, 0);
    if (connections.has(number, STATE.blocked)) {
      connections.outputStarts[number] += sent;
    } else {
      const at = connections.sentAt[number];
      const rest = this.bytes.subarray(at + sent, at + connections.sentLength[number]);
      connections.outputs.set(number, Buffer.from(rest));
      connections.outputStarts[number] = 0;
    }
    connections.set(number, STATE.blocked | STATE.polling);
    connections.crowd.slow(number);
    this.#ring.poll(connections.fds[number], POLL.writable, number, PURPOSE.writable);
    return true;
  }

  /** Sends what was kept, as far as the kernel takes it. @returns whether that was all. */
  sendKept(number: number): boolean {
    const connections = this.#connections;
    const kept = connections.output(number);
    while (connections.outputStarts[number] < kept.length) {
      if (!this.hasRoom) this.#flush();
      const start = connections.outputStarts[number];
      const rest = kept.subarray(start, start + REPLY_BYTES);
      const from = this.written;
      this.bytes.set(rest, from);
      this.written += rest.length;
      this.send(number, from);
      this.#flush();
      if (connections.has(number, STATE.polling | STATE.dying)) return false;
      connections.outputStarts[number] += rest.length;
    }
    connections.outputs.delete(number);
    connections.clear(number, STATE.blocked);
    return true;
  }

  /** Gives memory back, once the ring is closed. */
  close(): void {
    this.#memory.unmap();
  }

  /** Notes what is sent in this batch. @returns its length. */
  #note(number: number, from: number): number {
    const connections = this.#connections;
    const length = this.written - from;
    connections.sentAt[number] = from;
    connections.sentLength[number] = length;
    connections.sentIn[number] = this.#batch;
    return length;
  }
}
