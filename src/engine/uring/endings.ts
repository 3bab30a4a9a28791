/** How connections of the `uring` engine come to their end. */
import type { EngineCounters } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";
import { RECV } from "./layouts.ts";
import { PURPOSE } from "./purpose.ts";
import type { Receiver } from "./receiver.ts";
import type { Replies } from "./replies.ts";
import type { Ring } from "./ring.ts";
import type { SocketCalls } from "./socket-calls.ts";

const NONE = -1;

/** What {@link Endings} work with. */
export interface EndingParts {
  readonly ring: Ring;
  readonly connections: Connections;
  readonly replies: Replies;
  readonly receiver: Receiver;
  readonly sockets: SocketCalls;
  readonly counters: EngineCounters;
  /** How long the other end has for what it has still to do. */
  readonly patienceMs: number;
  /** Submits what waits; afterwards the kernel has taken, or refused, all replies. */
  readonly flush: () => void;
}

/**
 * Those of a thread. A descriptor is closed on the ring when nothing is in flight on it any more: only then does its
 * number go to another connection, and may the kernel give the descriptor's to whoever opens one.
 */
export class Endings {
  readonly #parts: EndingParts;
  readonly #connections: Connections;
  /** Connections that are closed when the ring is entered, or {@link NONE}; so many of them. */
  readonly #ending: Int32Array;
  #count = 0;

  constructor(parts: EndingParts) {
    this.#parts = parts;
    this.#connections = parts.connections;
    this.#ending = new Int32Array(parts.ring.room);
  }

  /** The ring has been entered: connections have been closed. @returns whether there were any. */
  entered(): boolean {
    if (this.#count === 0) return false;
    for (let i = 0; i < this.#count; i++) {
      if (this.#ending[i] === NONE) continue;
      this.#connections.crowd.remove(this.#ending[i]);
      this.#connections.free(this.#ending[i]);
      this.#parts.counters.connectionClosed();
    }
    this.#count = 0;
    return true;
  }

  /** A reply was not sent whole: what was to close the connection behind it was cancelled. */
  cancelled(number: number): void {
    if (!this.#connections.has(number, STATE.ending)) return;
    this.#connections.clear(number, STATE.ending);
    this.#ending[this.#ending.indexOf(number)] = NONE;
  }

  /**
   * Sends what was written from `from` on, and ends the connection when everything has been sent.
   * @param mayHaveSentMore closing a socket with unread input resets the connection, and the reset may overtake the
   *   reply: then the other end closes first, or its time is over.
   */
  finish(number: number, from: number, mayHaveSentMore: boolean): void {
    const { ring, replies } = this.#parts;
    const connections = this.#connections;
    if (replies.written > from) {
      const drains = this.#drains(number, mayHaveSentMore);
      if (!drains && !ring.isInUse(connections.fds[number])) {
        this.#begin(number, false);
        replies.sendLast(number, from);
        this.#note(number);
        return;
      }
      replies.send(number, from);
    }
    this.close(number, mayHaveSentMore);
  }

  /** Ends the connection when everything written has been sent. */
  close(number: number, mayHaveSentMore: boolean): void {
    const { ring, sockets, receiver, replies, flush } = this.#parts;
    const connections = this.#connections;
    if (replies.isUnderWay(number)) flush();
    if (connections.has(number, STATE.dying)) return;
    const drains = this.#drains(number, mayHaveSentMore);
    this.#begin(number, drains);
    if (connections.has(number, STATE.blocked)) return;
    const fd = connections.fds[number];
    if (drains) {
      sockets.endOwnSide(fd);
      receiver.start(number, RECV.pollFirst);
    } else if (ring.isInUse(fd)) {
      this.destroy(number);
    } else {
      this.#end(number);
    }
  }

  /** Ends a connection whatever is under way, unless it is just being closed. */
  destroy(number: number): void {
    const { ring } = this.#parts;
    const connections = this.#connections;
    if (connections.has(number, STATE.dying | STATE.ending)) return;
    const fd = connections.fds[number];
    connections.drop(number);
    connections.set(number, STATE.dying);
    connections.crowd.remove(number);
    if (ring.isInUse(fd)) ring.cancel(fd, number, PURPOSE.cancelled);
    this.endIfDying(number);
  }

  /** Ends a connection that is dying, when nothing is in flight on it any more, and it is not queued for a turn. */
  endIfDying(number: number): void {
    const connections = this.#connections;
    if (!connections.has(number, STATE.dying) || connections.has(number, STATE.ending | STATE.queued)) return;
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
    connections.crowd.slow(number);
  }

  #end(number: number): void {
    this.#parts.ring.closeDescriptor(this.#connections.fds[number]);
    this.#note(number);
  }

  #note(number: number): void {
    this.#connections.set(number, STATE.ending);
    this.#ending[this.#count++] = number;
  }
}
