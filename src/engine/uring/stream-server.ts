/** TCP connections over io_uring: from completions to the service, and from the service to operations on the ring. */

import { VERDICT } from "../crowd/crowd.ts";
import type { EngineCounters, EngineLimits, StreamService } from "../engine.ts";
import { Acceptor } from "./acceptor.ts";
import { type Connections, STATE } from "./connections.ts";
import { Endings } from "./endings.ts";
import type { InputBuffers } from "./input-buffers.ts";
import { CQE_FLAG, ERROR, RECV } from "./layouts.ts";
import { close } from "./libc.ts";
import { PURPOSE } from "./purpose.ts";
import { Receiver } from "./receiver.ts";
import { Replies } from "./replies.ts";
import { Requests } from "./requests.ts";
import type { Ring } from "./ring.ts";
import { type BoundSocket, SocketCalls } from "./socket-calls.ts";

/** Most entries that are made for one completion. */
const ENTRIES_AT_ONCE = 8;

/** Connections of which nothing more is served for now, and not much is read. */
const HELD = STATE.blocked | STATE.waiting | STATE.queued;

/** What a {@link StreamServer} works with. */
export interface StreamParts {
  readonly ring: Ring;
  readonly buffers: InputBuffers;
  readonly connections: Connections;
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly counters: EngineCounters;
  /** Submits what waits; afterwards the kernel has taken, or refused, all replies. */
  readonly flush: () => void;
}

/**
 * Serves connections. One is either reading, queued (it has had its turn, and there is more to serve), waiting (the service
 * has deferred its answer), blocked (the kernel took less than was written), or closing (nothing is served any more). While
 * it is queued, waiting or blocked nothing more is served, and not much is read.
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
  /** Of the connection that is being opened. */
  readonly #remote = new Uint8Array(16);
  readonly #acceptor: Acceptor;
  readonly #receiver: Receiver;
  readonly #requests: Requests;
  readonly #endings: Endings;

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
    this.#endings = new Endings({
      ...parts,
      replies: this.#replies,
      receiver: this.#receiver,
      sockets: this.#sockets,
      patienceMs: parts.limits.requestTimeoutMs,
    });
    this.#requests = new Requests({
      ...parts,
      replies: this.#replies,
      endings: this.#endings,
      receiver: this.#receiver,
      sockets: this.#sockets,
    });
  }

  /** Starts to accept from a listening socket. */
  listen(socket: BoundSocket): void {
    this.#acceptor.listen(socket.fd, socket.isGiven);
  }

  /** Accepts no more, and has connections end as soon as nothing is under way on them. */
  stop(): void {
    this.#requests.stopping = true;
    this.#acceptor.stop();
  }

  /** Takes a completion of a purpose that is this server's. */
  complete(purpose: number, owner: number, result: number, flags: number): void {
    this.#makeRoom();
    if (purpose === PURPOSE.received) this.#received(owner, result, flags);
    else if (purpose === PURPOSE.accepted) this.#accepted(owner, result, flags);
    else if (purpose === PURPOSE.cancelled) this.#endings.endIfDying(owner);
    else if (purpose === PURPOSE.writable) this.#writable(owner);
  }

  /** The ring has been entered: replies have been taken, but for those of {@link unsent}, and connections closed. */
  entered(): void {
    this.#replies.entered();
    if (this.#endings.entered()) this.#acceptor.resume();
  }

  /** A reply was not sent whole. Called before {@link entered}. @param result how much was, or an error. */
  unsent(number: number, result: number): void {
    const connections = this.#connections;
    this.#endings.cancelled(number);
    if (connections.has(number, STATE.dying)) return;
    const wasBlocked = connections.has(number, STATE.blocked);
    if (connections.has(number, STATE.gone)) return;
    if (!this.#replies.keep(number, result)) this.#requests.gone(number);
    else if (!wasBlocked)
      connections.deadlines[number] = this.#connections.now + this.#limits.requestTimeoutMs;
  }

  /** Whether anybody waits for a deferred answer, and deadlines are to be kept closely. */
  get hasWaiting(): boolean {
    return this.#requests.waits.count > 0;
  }

  /** Whether connections wait for their turn, and the thread for nothing. */
  get hasQueued(): boolean {
    return !this.#requests.turns.isEmpty;
  }

  /** Serves connections whose turn it is. Called when the ring has just been entered. */
  takeTurns(): void {
    for (let { due } = this.#requests.turns; due > 0; due--) {
      this.#makeRoom();
      this.#requests.takeTurn();
    }
  }

  /** Ends a wait; see {@link Engine.resume}. */
  resume(token: number): void {
    const number = this.#requests.waits.find(token);
    if (number >= 0) this.#resume(number);
  }

  /** Ends connections and waits whose time is over, and tries again to accept where that failed. */
  checkDeadlines(): void {
    const connections = this.#connections;
    for (let number = 0; number < connections.end; number++) {
      if (connections.fds[number] < 0 || this.#connections.now < connections.deadlines[number]) continue;
      if (connections.has(number, STATE.dying | STATE.queued)) continue;
      if (connections.has(number, STATE.waiting)) {
        this.#resume(number);
        continue;
      }
      this.#makeRoom();
      const blocked = connections.has(number, STATE.blocked);
      const closing = connections.has(number, STATE.closing);
      // Waiting in vain for the other end to close, with everything sent, is no fault of anybody.
      if (blocked || !closing) this.#counters.connectionTimedOut();
      this.#giveUp(number);
    }
    this.#acceptor.resume();
  }

  /**
   * Ends connections on which nothing is under way; the others end when that is done. Waits are over now. Those that
   * have had no reply yet are spared, unless `newOnes` says otherwise: their first request may be on its way.
   */
  closeIdle(newOnes: boolean): void {
    const connections = this.#connections;
    for (let number = 0; number < connections.end; number++) {
      if (connections.fds[number] < 0) continue;
      if (connections.has(number, STATE.waiting)) this.#resume(number);
      this.#makeRoom();
      if (connections.isIdle(number, newOnes)) this.#destroy(number);
    }
  }

  /** Ends all connections whatever is under way. */
  closeAll(): void {
    for (let number = 0; number < this.#connections.end; number++) {
      this.#makeRoom();
      if (this.#connections.fds[number] >= 0) this.#destroy(number);
    }
  }

  /** Gives memory back, once the ring is closed. */
  close(): void {
    this.#replies.close();
    this.#sockets.close();
  }

  #resume(number: number): void {
    this.#makeRoom();
    this.#requests.resume(number);
  }

  #makeRoom(): void {
    if (this.#ring.room < ENTRIES_AT_ONCE) this.#flush();
  }

  #accepted(listener: number, result: number, flags: number): void {
    if (this.#acceptor.accepted(listener, result, flags)) this.#open(result);
    else if (result !== -ERROR.cancelled) this.#counters.acceptFailed();
  }

  #open(fd: number): void {
    const remote = this.#remote;
    const counters = this.#counters;
    const verdict = this.#sockets.peerAddress(fd, remote) ? this.#letIn(fd, remote) : VERDICT.full;
    if (verdict >= 0) {
      counters.connectionAccepted();
      this.#receiver.start(verdict, 0);
      return;
    }
    if (verdict === VERDICT.overShare) counters.connectionOverShare();
    else counters.connectionRefused();
    close(fd);
  }

  /** Takes a connection in, if there is room or another can make some. @returns its number, or a verdict against it. */
  #letIn(fd: number, remote: Uint8Array): number {
    const connections = this.#connections;
    const isProxy = this.#service.isProxy(remote);
    const verdict = connections.crowd.judge(remote, isProxy);
    if (verdict === VERDICT.full || verdict === VERDICT.overShare) return verdict;
    if (verdict >= 0) this.#displace(verdict);
    const number = connections.open(fd, remote, isProxy, connections.now + this.#limits.idleTimeoutMs);
    return number < 0 ? VERDICT.full : number;
  }

  /** Ends a connection to make room. */
  #displace(number: number): void {
    this.#makeRoom();
    this.#counters.connectionDisplaced();
    this.#connections.crowd.remove(number);
    this.#giveUp(number);
  }

  /** Ends a connection whose other end does not do what it has to. */
  #giveUp(number: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.blocked) && !connections.has(number, STATE.closing)) {
      // A reset lets the kernel forget what nobody reads.
      this.#sockets.resetOnClose(connections.fds[number]);
      this.#requests.gone(number);
    } else {
      this.#destroy(number);
    }
  }

  #received(number: number, result: number, flags: number): void {
    const connections = this.#connections;
    const buffers = this.#buffers;
    if ((flags & CQE_FLAG.more) === 0) this.#receiver.ended(number);
    if (connections.has(number, STATE.dying)) this.#endings.endIfDying(number);
    else if (result > 0) this.#take(number, buffers.offsetOf(flags >>> 16), result);
    else if (result === 0) this.#ended(number);
    else if (result === -ERROR.noBufferSpace) this.#receiver.start(number, 0);
    else if (result !== -ERROR.cancelled) this.#broken(number);
    else if (!connections.has(number, HELD) || this.#requests.waits.hasRoom(number)) {
      this.#receiver.start(number, RECV.pollFirst);
    }
    if ((flags & CQE_FLAG.buffer) !== 0) buffers.give(flags >>> 16);
  }

  /** Takes what was received, `length` bytes of the buffers' memory. */
  #take(number: number, start: number, length: number): void {
    const connections = this.#connections;
    const { bytes } = this.#buffers;
    if (this.#replies.isUnderWay(number)) this.#flush();
    if (connections.has(number, STATE.dying)) return;
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
    else if (this.#requests.waits.hasRoom(number)) this.#receiver.start(number, RECV.pollFirst);
    else this.#receiver.stop(number);
  }

  /** The other end will send no more. */
  #ended(number: number): void {
    const connections = this.#connections;
    connections.set(number, STATE.peerEnded);
    if (connections.has(number, HELD)) return;
    if (connections.has(number, STATE.closing)) this.#destroy(number);
    else this.#endings.close(number, false);
  }

  /** The connection is broken: nothing comes any more. */
  #broken(number: number): void {
    const connections = this.#connections;
    connections.set(number, STATE.peerEnded);
    if (connections.has(number, HELD)) this.#requests.gone(number);
    else this.#destroy(number);
  }

  /** There may be room for more of what could not be sent. */
  #writable(number: number): void {
    const connections = this.#connections;
    connections.clear(number, STATE.polling);
    if (connections.has(number, STATE.dying)) this.#endings.endIfDying(number);
    else if (connections.has(number, STATE.blocked) && this.#replies.sendKept(number)) {
      if (connections.has(number, STATE.closing))
        this.#endings.close(number, connections.has(number, STATE.draining));
      else this.#requests.unblocked(number);
    }
  }

  /** Ends the connection whatever is under way. */
  #destroy(number: number): void {
    this.#requests.waits.end(number);
    this.#endings.destroy(number);
  }
}
