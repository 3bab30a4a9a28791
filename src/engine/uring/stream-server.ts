/** TCP connections over io_uring. */

import { VERDICT } from "../connection-limits/connection-limiter.ts";
import type { EngineCounters, EngineLimits, StreamService } from "../engine.ts";
import { Acceptor } from "./acceptor.ts";
import type { Completions } from "./completions.ts";
import { ConnectionCloser } from "./connection-closer.ts";
import { type Connections, STATE } from "./connections.ts";
import type { InputBuffers } from "./input-buffers.ts";
import { CQE_FLAG, ERROR, RECV } from "./layouts.ts";
import { close } from "./libc.ts";
import { PURPOSE } from "./purpose.ts";
import { Receiver } from "./receiver.ts";
import { Replies } from "./replies.ts";
import { Requests } from "./requests.ts";
import type { Ring } from "./ring.ts";
import { type BoundSocket, SocketCalls } from "./socket-calls.ts";

/** Upper bound of entries that are added for one completion. */
const ENTRIES_AT_ONCE = 8;

/** States in which nothing is served, and a bounded amount is read. */
const HELD = STATE.blocked | STATE.deferred | STATE.queued;

/** The components that a {@link StreamServer} uses. */
export interface StreamParts {
  readonly ring: Ring;
  readonly buffers: InputBuffers;
  readonly connections: Connections;
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly counters: EngineCounters;
  /** Submits all pending entries; afterwards the kernel has taken or refused all replies. */
  readonly flush: () => void;
}

/**
 * Serves connections. A connection is in one of these states:
 * - reading;
 * - queued: it has had its turn, and there is more to serve;
 * - deferred: the service has deferred its request;
 * - blocked: the kernel has not taken all of the reply;
 * - closing: nothing is served any more.
 *
 * While it is queued, deferred or blocked, nothing is served, and a bounded amount is read.
 */
export class StreamServer {
  readonly #ring: Ring;
  readonly #buffers: InputBuffers;
  readonly #connections: Connections;
  readonly #service: StreamService;
  readonly #limits: EngineLimits;
  readonly #counters: EngineCounters;
  readonly #flush: () => void;
  readonly #sockets = new SocketCalls();
  readonly #replies: Replies;
  /** Remote address of the connection that is being accepted. */
  readonly #remote = new Uint8Array(16);
  readonly #acceptor: Acceptor;
  readonly #receiver: Receiver;
  readonly #requests: Requests;
  readonly #closer: ConnectionCloser;

  constructor(parts: StreamParts) {
    this.#ring = parts.ring;
    this.#acceptor = new Acceptor(parts.ring);
    this.#buffers = parts.buffers;
    this.#connections = parts.connections;
    this.#service = parts.service;
    this.#limits = parts.limits;
    this.#counters = parts.counters;
    this.#flush = parts.flush;
    this.#replies = new Replies(parts.ring, parts.connections, parts.flush);
    this.#receiver = new Receiver(parts.ring, parts.connections, parts.buffers);
    this.#closer = new ConnectionCloser({
      ...parts,
      replies: this.#replies,
      receiver: this.#receiver,
      sockets: this.#sockets,
      patienceMs: parts.limits.requestTimeoutMs,
    });
    this.#requests = new Requests({
      ...parts,
      replies: this.#replies,
      closer: this.#closer,
      receiver: this.#receiver,
      sockets: this.#sockets,
    });
  }

  /** Starts to accept from a listening socket. */
  listen(socket: BoundSocket): void {
    this.#acceptor.listen(socket.fd, socket.isInherited);
  }

  /** Stops accepting, and closes connections as soon as they are idle. */
  stop(): void {
    this.#requests.stopping = true;
    this.#acceptor.stop();
  }

  /**
   * Tells the service of the input of the completions in `[from, to)`, which are handled next. It cannot change before: the
   * buffer of a completion is the kernel's again only after that.
   */
  expect(completions: Completions, from: number, to: number): void {
    const service = this.#service;
    service.beginBatch();
    if ((to - from) >>> 0 === 1) return;
    const { bytes } = this.#buffers;
    for (let position = from; position !== to; position = (position + 1) >>> 0) {
      const at = completions.at(position);
      if (completions.purpose(at) !== PURPOSE.received) continue;
      const length = completions.result(at);
      if (length <= 0 || this.#connections.inputLengths[completions.owner(at)] > 0) continue;
      const start = this.#buffers.offsetOf(completions.flags(at) >>> 16);
      service.expect(bytes, start, start + length);
    }
  }

  /** Handles a completion with a purpose of this server. */
  complete(purpose: number, owner: number, result: number, flags: number): void {
    this.#ensureEntries();
    if (purpose === PURPOSE.received) this.#received(owner, result, flags);
    else if (purpose === PURPOSE.accepted) this.#accepted(owner, result, flags);
    else if (purpose === PURPOSE.cancelled) this.#closer.closeIfAborting(owner);
    else if (purpose === PURPOSE.writable) this.#writable(owner);
  }

  /**
   * Called after the ring was entered: replies were sent, except those passed to {@link unsent}, and connections
   * closed.
   */
  entered(): void {
    this.#replies.entered();
    if (this.#closer.entered()) this.#acceptor.resume();
  }

  /**
   * A reply was not sent completely. Called before {@link entered}. @param result bytes sent, or a negated error
   * number.
   */
  unsent(number: number, result: number): void {
    const connections = this.#connections;
    this.#closer.cancelled(number);
    if (connections.has(number, STATE.aborting)) return;
    const wasBlocked = connections.has(number, STATE.blocked);
    if (connections.has(number, STATE.disconnected)) return;
    if (!this.#replies.keep(number, result)) this.#requests.disconnected(number);
    else if (!wasBlocked)
      connections.deadlines[number] = this.#connections.now + this.#limits.requestTimeoutMs;
  }

  /** Whether requests are deferred, so that deadlines need frequent checks. */
  get hasDeferred(): boolean {
    return this.#requests.deferrals.count > 0;
  }

  /** Whether connections are queued for a turn, so that the thread must not block. */
  get hasQueued(): boolean {
    return !this.#requests.turns.isEmpty;
  }

  /** Serves the connections whose turn it is. Called directly after the ring was entered. */
  takeTurns(): void {
    for (let { due } = this.#requests.turns; due > 0; due--) {
      this.#ensureEntries();
      this.#requests.takeTurn();
    }
  }

  /** Serves a deferred request again; see {@link Engine.resume}. */
  resume(token: number, reply: unknown): void {
    const number = this.#requests.deferrals.find(token);
    if (number >= 0) this.#resume(number, reply);
  }

  /** Handles expired deadlines, and retries to accept where that failed. */
  checkDeadlines(): void {
    const connections = this.#connections;
    for (let number = 0; number < connections.end; number++) {
      if (connections.fds[number] < 0 || this.#connections.now < connections.deadlines[number]) continue;
      if (connections.has(number, STATE.aborting | STATE.queued)) continue;
      if (connections.has(number, STATE.deferred)) {
        this.#resume(number);
        continue;
      }
      this.#ensureEntries();
      const blocked = connections.has(number, STATE.blocked);
      const closing = connections.has(number, STATE.closing);
      // Everything is sent and only the client's close is missing: not counted as a timeout.
      if (blocked || !closing) this.#counters.connectionTimedOut();
      this.#giveUp(number);
    }
    this.#acceptor.resume();
  }

  /**
   * Closes idle connections; the others close when their request is done. Deferred requests are served now.
   * @param newOnes whether to close connections without a reply yet: their first request may be on its way.
   */
  closeIdle(newOnes: boolean): void {
    const connections = this.#connections;
    for (let number = 0; number < connections.end; number++) {
      if (connections.fds[number] < 0) continue;
      if (connections.has(number, STATE.deferred)) this.#resume(number);
      this.#ensureEntries();
      if (connections.isIdle(number, newOnes)) this.#destroy(number);
    }
  }

  /** Closes all connections at once. */
  closeAll(): void {
    for (let number = 0; number < this.#connections.end; number++) {
      this.#ensureEntries();
      if (this.#connections.fds[number] >= 0) this.#destroy(number);
    }
  }

  /** Releases the memory. Called after the ring is closed. */
  close(): void {
    this.#replies.close();
    this.#sockets.close();
  }

  #resume(number: number, reply?: unknown): void {
    this.#ensureEntries();
    this.#requests.resume(number, reply);
  }

  #ensureEntries(): void {
    if (this.#ring.room < ENTRIES_AT_ONCE) this.#flush();
  }

  #accepted(listener: number, result: number, flags: number): void {
    if (this.#acceptor.accepted(listener, result, flags)) this.#open(result);
    else if (result !== -ERROR.cancelled) this.#counters.acceptFailed();
  }

  #open(fd: number): void {
    const remote = this.#remote;
    const counters = this.#counters;
    const verdict = this.#sockets.peerAddress(fd, remote) ? this.#admit(fd, remote) : VERDICT.full;
    if (verdict >= 0) {
      counters.connectionAccepted();
      this.#receiver.start(verdict, 0);
      return;
    }
    if (verdict === VERDICT.overShare) counters.connectionOverShare();
    else counters.connectionRefused();
    close(fd);
  }

  /**
   * Accepts a connection, if the limits allow it or another can be displaced. @returns its number, or a negative
   * verdict.
   */
  #admit(fd: number, remote: Uint8Array): number {
    const connections = this.#connections;
    const isProxy = this.#service.isProxy(remote);
    const verdict = connections.limiter.decide(remote, isProxy);
    if (verdict === VERDICT.full || verdict === VERDICT.overShare) return verdict;
    if (verdict >= 0) this.#displace(verdict);
    const number = connections.open(fd, remote, isProxy, connections.now + this.#limits.idleTimeoutMs);
    return number < 0 ? VERDICT.full : number;
  }

  /** Closes a connection to make room for another. */
  #displace(number: number): void {
    this.#ensureEntries();
    this.#counters.connectionDisplaced();
    this.#connections.limiter.remove(number);
    this.#giveUp(number);
  }

  /** Closes a connection whose client is too slow. */
  #giveUp(number: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.blocked) && !connections.has(number, STATE.closing)) {
      // A reset makes the kernel discard unread data.
      this.#sockets.resetOnClose(connections.fds[number]);
      this.#requests.disconnected(number);
    } else {
      this.#destroy(number);
    }
  }

  #received(number: number, result: number, flags: number): void {
    const connections = this.#connections;
    const buffers = this.#buffers;
    if ((flags & CQE_FLAG.more) === 0) this.#receiver.ended(number);
    if (connections.has(number, STATE.aborting)) this.#closer.closeIfAborting(number);
    else if (result > 0) this.#take(number, buffers.offsetOf(flags >>> 16), result);
    else if (result === 0) this.#ended(number);
    else if (result === -ERROR.noBufferSpace) this.#receiver.start(number, 0);
    else if (result !== -ERROR.cancelled) this.#broken(number);
    else if (!connections.has(number, HELD) || this.#requests.deferrals.hasRoom(number)) {
      this.#receiver.start(number, RECV.pollFirst);
    }
    if ((flags & CQE_FLAG.buffer) !== 0) buffers.release(flags >>> 16);
  }

  /** Handles received bytes: `length` bytes of the buffers' memory. */
  #take(number: number, start: number, length: number): void {
    const connections = this.#connections;
    const { bytes } = this.#buffers;
    if (this.#replies.isUnderWay(number)) this.#flush();
    if (connections.has(number, STATE.aborting)) return;
    if (connections.has(number, STATE.closing)) {
      this.#receiver.start(number, RECV.pollFirst);
      return;
    }
    if (connections.inputLengths[number] === 0 && !connections.has(number, HELD)) {
      this.#requests.serve(number, bytes, start, start + length, true);
      return;
    }
    connections.append(number, bytes, start, start + length);
    if (!connections.has(number, HELD)) this.#requests.serveKept(number, false);
    else if (this.#requests.deferrals.hasRoom(number)) this.#receiver.start(number, RECV.pollFirst);
    else this.#receiver.stop(number);
  }

  /** The client has shut down its sending side. */
  #ended(number: number): void {
    const connections = this.#connections;
    connections.set(number, STATE.peerEnded);
    if (connections.has(number, HELD)) return;
    if (connections.has(number, STATE.closing)) this.#destroy(number);
    else this.#closer.close(number, false);
  }

  /** The connection is broken: no more input will arrive. */
  #broken(number: number): void {
    const connections = this.#connections;
    connections.set(number, STATE.peerEnded);
    if (connections.has(number, HELD)) this.#requests.disconnected(number);
    else this.#destroy(number);
  }

  /** The socket may have send buffer space again. */
  #writable(number: number): void {
    const connections = this.#connections;
    connections.clear(number, STATE.polling);
    if (connections.has(number, STATE.aborting)) this.#closer.closeIfAborting(number);
    else if (connections.has(number, STATE.blocked) && this.#replies.sendKept(number)) {
      if (connections.has(number, STATE.closing))
        this.#closer.close(number, connections.has(number, STATE.draining));
      else this.#requests.unblocked(number);
    }
  }

  /** Closes the connection at once. */
  #destroy(number: number): void {
    this.#requests.deferrals.end(number);
    this.#closer.destroy(number);
  }
}
