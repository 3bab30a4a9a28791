/** Receives on connections of the `uring` engine: at most one receive operation for each. */
import { type Connections, STATE } from "./connections.ts";
import type { InputBuffers } from "./input-buffers.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";

/** Receives for the connections of a thread. */
export class Receiver {
  readonly #ring: Ring;
  readonly #connections: Connections;
  readonly #buffers: InputBuffers;

  constructor(ring: Ring, connections: Connections, buffers: InputBuffers) {
    this.#ring = ring;
    this.#connections = connections;
    this.#buffers = buffers;
  }

  /** Starts to receive, if no operation is in flight. @param how flags of RECV. */
  start(number: number, how: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.receiving)) return;
    connections.set(number, STATE.receiving);
    this.#ring.recv(connections.fds[number], this.#buffers.group, how, number, PURPOSE.received);
  }

  /** The last completion of a receive operation has come. */
  ended(number: number): void {
    this.#connections.clear(number, STATE.receiving | STATE.cancelling);
  }

  /** Cancels the receive operation, if one is in flight; its last completion tells when it has ended. */
  stop(number: number): void {
    const connections = this.#connections;
    if (!connections.has(number, STATE.receiving) || connections.has(number, STATE.cancelling)) return;
    connections.set(number, STATE.cancelling);
    this.#ring.cancelOperation(connections.fds[number], number, PURPOSE.received);
  }
}
