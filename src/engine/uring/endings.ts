/** How connections of the `uring` engine come to their end: their descriptors are closed on the ring. */
import type { EngineCounters } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";
import type { SocketCalls } from "./socket-calls.ts";

const NONE = -1;

/** Those of a thread. */
export class Endings {
  readonly #ring: Ring;
  readonly #connections: Connections;
  readonly #sockets: SocketCalls;
  readonly #counters: EngineCounters;
  /** Connections that are closed when the ring is entered, or {@link NONE}; so many of them. */
  readonly #ending: Int32Array;
  #count = 0;

  constructor(ring: Ring, connections: Connections, sockets: SocketCalls, counters: EngineCounters) {
    this.#ring = ring;
    this.#connections = connections;
    this.#sockets = sockets;
    this.#counters = counters;
    this.#ending = new Int32Array(ring.room);
  }

  /** The ring has been entered: connections have been closed. @returns whether there were any. */
  entered(): boolean {
    if (this.#count === 0) return false;
    for (let i = 0; i < this.#count; i++) {
      if (this.#ending[i] === NONE) continue;
      this.#connections.free(this.#ending[i]);
      this.#counters.connectionClosed();
    }
    this.#count = 0;
    return true;
  }

  /** A reply was not sent whole: what was to close the connection is cancelled, which a completion will tell. */
  cancelled(number: number): void {
    const ending = this.#ending.indexOf(number);
    if (ending >= 0 && ending < this.#count) this.#ending[ending] = NONE;
  }

  /** It is closed when the reply before is sent whole, or at once if there is no hope for that. */
  notClosed(number: number): void {
    this.#connections.clear(number, STATE.ending);
    if (this.#connections.has(number, STATE.dying)) this.endIfDone(number);
  }

  /** Ends a connection whatever is under way. @param reset whether the other end is told so. */
  destroy(number: number, reset: boolean): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.dying)) return;
    const fd = connections.fds[number];
    connections.drop(number);
    connections.set(number, STATE.dying);
    if (reset) this.#sockets.resetOnClose(fd);
    if (connections.isUnderWay(number)) this.#ring.cancel(fd, number, PURPOSE.none);
    this.endIfDone(number);
  }

  /** Ends a dying connection when nothing is under way any more. */
  endIfDone(number: number): void {
    if (!this.#connections.has(number, STATE.ending) && !this.#connections.isUnderWay(number))
      this.end(number);
  }

  /** Closes the descriptor, after the reply that is linked to it. */
  end(number: number): void {
    this.#connections.set(number, STATE.ending);
    this.#ending[this.#count++] = number;
    this.#ring.closeDescriptor(this.#connections.fds[number], number, PURPOSE.notClosed);
  }
}
