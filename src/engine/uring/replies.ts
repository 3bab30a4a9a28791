/** Sends replies in batches, and keeps what the kernel did not take. */
import { REPLY_BYTES } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";
import { ERROR, POLL } from "./layouts.ts";
import { Memory } from "./memory.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring, SendOperation } from "./ring.ts";

/** Room for the replies of one batch. */
const OUTPUT_BYTES = 8 * REPLY_BYTES;

/**
 * The replies of a thread. Sends do not wait. When the ring has been entered, the kernel has taken the replies, and the
 * memory is free again. The unsent part of a reply is copied, and its connection is blocked until that is sent. So a
 * connection has at most one reply in a batch.
 */
export class Replies {
  /** Replies are written here, from {@link written} on. */
  readonly bytes: Uint8Array;
  /** Bytes written since the ring was last entered. */
  written = 0;
  readonly #ring: Ring;
  readonly #connections: Connections;
  /** Submits all pending entries. */
  readonly #flush: () => void;
  readonly #memory = Memory.allocate(OUTPUT_BYTES);
  readonly #sendOperation: SendOperation = {
    fd: 0,
    memory: this.#memory,
    offset: 0,
    length: 0,
    owner: 0,
    purpose: PURPOSE.unsent,
  };
  /** Number of the current batch. */
  #batch = 1;

  constructor(ring: Ring, connections: Connections, flush: () => void) {
    this.#ring = ring;
    this.#connections = connections;
    this.#flush = flush;
    this.bytes = this.#memory.bytes;
  }

  /** Whether the replies of one connection's turn fit. If not, submitting frees the memory. */
  get hasRoom(): boolean {
    return this.written + 2 * REPLY_BYTES <= OUTPUT_BYTES;
  }

  /** Whether the current batch has a reply of this connection. */
  isUnderWay(number: number): boolean {
    return this.#connections.sentIn[number] === this.#batch;
  }

  /** Sends the bytes written from `from` on. */
  send(number: number, from: number): void {
    this.#ring.send(this.#operation(number, from));
  }

  /** Sends the bytes written from `from` on, and closes the descriptor if the kernel took all. */
  sendAndClose(number: number, from: number): void {
    this.#ring.sendAndClose(this.#operation(number, from));
  }

  /** Called after the ring was entered, and after {@link keep} for all incomplete replies. */
  entered(): void {
    this.written = 0;
    this.#batch = (this.#batch + 1) >>> 0;
  }

  /**
   * Keeps the unsent part of a reply and polls for buffer space: the connection is blocked.
   * @param result bytes sent, or a negated error number.
   * @returns false if the connection is broken.
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
    connections.limiter.slow(number);
    this.#ring.poll(connections.fds[number], POLL.writable, number, PURPOSE.writable);
    return true;
  }

  /** Sends the kept part, as far as the kernel takes it. @returns whether all is sent. */
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
      if (connections.has(number, STATE.polling | STATE.aborting)) return false;
      connections.outputStarts[number] += rest.length;
    }
    connections.outputs.delete(number);
    connections.clear(number, STATE.blocked);
    return true;
  }

  /** Releases the memory. Called after the ring is closed. */
  close(): void {
    this.#memory.unmap();
  }

  /** Records a reply of this batch. @returns the operation that sends it, reused for each. */
  #operation(number: number, from: number): SendOperation {
    const connections = this.#connections;
    const length = this.written - from;
    connections.sentAt[number] = from;
    connections.sentLength[number] = length;
    connections.sentIn[number] = this.#batch;
    const operation = this.#sendOperation;
    operation.fd = connections.fds[number];
    operation.offset = from;
    operation.length = length;
    operation.owner = number;
    return operation;
  }
}
