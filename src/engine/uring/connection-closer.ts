/** Closes connections of the `uring` engine. */
import type { EngineCounters } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";
import { RECV } from "./layouts.ts";
import { PURPOSE } from "./purpose.ts";
import type { Receiver } from "./receiver.ts";
import type { Replies } from "./replies.ts";
import type { Ring } from "./ring.ts";
import type { SocketCalls } from "./socket-calls.ts";

const NONE = -1;

/** The components that a {@link ConnectionCloser} uses. */
export interface CloserParts {
  readonly ring: Ring;
  readonly connections: Connections;
  readonly replies: Replies;
  readonly receiver: Receiver;
  readonly sockets: SocketCalls;
  readonly counters: EngineCounters;
  /** Time that the client has to read the reply and close, in milliseconds. */
  readonly patienceMs: number;
  /** Submits all pending entries; afterwards the kernel has taken or refused all replies. */
  readonly flush: () => void;
}

/**
 * Closes the connections of a thread. A descriptor is closed on the ring when no operation is in flight on it. Only
 * then may its connection number be reused, and the kernel reuse the descriptor.
 */
export class ConnectionCloser {
  readonly #parts: CloserParts;
  readonly #connections: Connections;
  /** Connections whose close has been submitted, or {@link NONE}; the first `#count` entries are valid. */
  readonly #submitted: Int32Array;
  #count = 0;

  constructor(parts: CloserParts) {
    this.#parts = parts;
    this.#connections = parts.connections;
    this.#submitted = new Int32Array(parts.ring.room);
  }

  /** Called after the ring was entered: submitted closes are done. @returns whether there were any. */
  entered(): boolean {
    if (this.#count === 0) return false;
    for (let i = 0; i < this.#count; i++) {
      if (this.#submitted[i] === NONE) continue;
      this.#connections.limiter.remove(this.#submitted[i]);
      this.#connections.free(this.#submitted[i]);
      this.#parts.counters.connectionClosed();
    }
    this.#count = 0;
    return true;
  }

  /** Called when a reply was not sent completely: the close linked to it was cancelled. */
  cancelled(number: number): void {
    if (!this.#connections.has(number, STATE.closeSubmitted)) return;
    this.#connections.clear(number, STATE.closeSubmitted);
    this.#submitted[this.#submitted.indexOf(number)] = NONE;
  }

  /**
   * Sends the reply from offset `from` on, and closes the connection when all is sent.
   * @param mayHaveSentMore whether unread input may arrive. Closing a socket with unread input resets the connection,
   *   and the reset may overtake the reply. So the client closes first, unless the deadline passes.
   */
  finish(number: number, from: number, mayHaveSentMore: boolean): void {
    const { ring, replies } = this.#parts;
    const connections = this.#connections;
    if (replies.written > from) {
      const drains = this.#drains(number, mayHaveSentMore);
      if (!drains && !ring.isInUse(connections.fds[number])) {
        this.#begin(number, false);
        replies.sendAndClose(number, from);
        this.#note(number);
        return;
      }
      replies.send(number, from);
    }
    this.close(number, mayHaveSentMore);
  }

  /** Closes the connection when all replies have been sent. */
  close(number: number, mayHaveSentMore: boolean): void {
    const { ring, sockets, receiver, replies, flush } = this.#parts;
    const connections = this.#connections;
    if (replies.isUnderWay(number)) flush();
    if (connections.has(number, STATE.aborting)) return;
    const drains = this.#drains(number, mayHaveSentMore);
    this.#begin(number, drains);
    if (connections.has(number, STATE.blocked)) return;
    const fd = connections.fds[number];
    if (drains) {
      sockets.shutdownWrite(fd);
      receiver.start(number, RECV.pollFirst);
    } else if (ring.isInUse(fd)) {
      this.destroy(number);
    } else {
      this.#end(number);
    }
  }

  /** Closes a connection at once, unless its close has been submitted. */
  destroy(number: number): void {
    const { ring } = this.#parts;
    const connections = this.#connections;
    if (connections.has(number, STATE.aborting | STATE.closeSubmitted)) return;
    const fd = connections.fds[number];
    connections.drop(number);
    connections.set(number, STATE.aborting);
    connections.limiter.remove(number);
    if (ring.isInUse(fd)) ring.cancel(fd, number, PURPOSE.cancelled);
    this.closeIfAborting(number);
  }

  /** Closes an aborting connection if no operation is in flight on it and it is not queued for a turn. */
  closeIfAborting(number: number): void {
    const connections = this.#connections;
    if (
      !connections.has(number, STATE.aborting) ||
      connections.has(number, STATE.closeSubmitted | STATE.queued)
    )
      return;
    if (!this.#parts.ring.isInUse(connections.fds[number])) this.#end(number);
  }

  #drains(number: number, mayHaveSentMore: boolean): boolean {
    return mayHaveSentMore && !this.#connections.has(number, STATE.peerEnded);
  }

  #begin(number: number, drains: boolean): void {
    const connections = this.#connections;
    if (!connections.has(number, STATE.blocked)) connections.drop(number);
    connections.set(number, drains ? STATE.closing | STATE.draining : STATE.closing);
    connections.deadlines[number] = connections.now + this.#parts.patienceMs;
    connections.limiter.slow(number);
  }

  #end(number: number): void {
    this.#parts.ring.closeDescriptor(this.#connections.fds[number]);
    this.#note(number);
  }

  #note(number: number): void {
    this.#connections.set(number, STATE.closeSubmitted);
    this.#submitted[this.#count++] = number;
  }
}
