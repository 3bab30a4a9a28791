/** Receiving on connections of the `uring` engine: each has one operation at most that brings what comes. */
import { type Connections, STATE } from "./connections.ts";
import type { InputBuffers } from "./input-buffers.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";

/** Those of a thread. */
export class Receiver {
  readonly #ring: Ring;
  readonly #connections: Connections;
  readonly #buffers: InputBuffers;

  constructor(ring: Ring, connections: Connections, buffers: InputBuffers) {
    this.#ring = ring;
    this.#connections = connections;
    this.#buffers = buffers;
  }

  /** Receives, unless that is under way. @param how flags of RECV. */
  start(number: number, how: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.receiving)) return;
    connections.set(number, STATE.receiving);
    this.#ring.recv(connections.fds[number], this.#buffers.group, how, number, PURPOSE.received);
  }

  /** The last completion of receiving has come. */
  ended(number: number): void {
    this.#connections.clear(number, STATE.receiving | STATE.halting);
  }

  /** Has receiving come to its end, if it is under way; a completion tells when. */
  stop(number: number): void {
    const connections = this.#connections;
    if (!connections.has(number, STATE.receiving) || connections.has(number, STATE.halting)) return;
    connections.set(number, STATE.halting);
    this.#ring.cancelOperation(connections.fds[number], number, PURPOSE.received);
  }
}
