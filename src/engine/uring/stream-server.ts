/** TCP connections over io_uring: from completions to the service, and from the service to operations on the ring. */

import {
  type EngineCounters,
  type EngineLimits,
  Exchange,
  INPUT_BYTES,
  type StreamService,
} from "../engine.ts";
import { Acceptor } from "./acceptor.ts";
import { type Connections, STATE } from "./connections.ts";
import { Endings } from "./endings.ts";
import type { InputBuffers } from "./input-buffers.ts";
import { CQE_FLAG, ERROR, RECV } from "./layouts.ts";
import { close } from "./libc.ts";
import { PURPOSE } from "./purpose.ts";
import { Receiver } from "./receiver.ts";
import { Replies } from "./replies.ts";
import type { Ring } from "./ring.ts";
import { type BoundSocket, SocketCalls } from "./socket-calls.ts";
import { Waits } from "./waits.ts";

/** Most entries that are made for one completion. */
const ENTRIES_AT_ONCE = 8;

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
 * Serves connections. One is either reading, waiting (the service has deferred its answer: nothing more is served, and
 * not much is read), blocked (the kernel took less than was written: nothing more is read or served until all is sent),
 * or closing (nothing is served any more).
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
  readonly #exchange = new Exchange();
  readonly #acceptor: Acceptor;
  readonly #receiver: Receiver;
  readonly #waits: Waits;
  readonly #endings: Endings;
  /** Connections end as soon as nothing is under way on them. */
  #stopping = false;

  constructor(parts: StreamParts) {
    this.#ring = parts.ring;
    this.#acceptor = new Acceptor(parts.ring);
    this.#buffers = parts.buffers;
    this.#connections = parts.connections;
    this.#waits = new Waits(parts.connections, parts.limits.maxDeferred);
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
    this.#exchange.output = this.#replies.bytes;
  }

  /** Starts to accept from a listening socket. */
  listen(socket: BoundSocket): void {
    this.#acceptor.listen(socket.fd, socket.isGiven);
  }

  /** Accepts no more, and has connections end as soon as nothing is under way on them. */
  stop(): void {
    this.#stopping = true;
    this.#acceptor.stop();
  }

  /** Takes a completion of a purpose that is this server's. */
  complete(purpose: number, owner: number, result: number, flags: number): void {
    this.#makeRoom();
    if (purpose === PURPOSE.received) this.#received(owner, result, flags);
    else if (purpose === PURPOSE.accepted) this.#accepted(owner, result, flags);
    else if (purpose === PURPOSE.notClosed) this.#endings.notClosed(owner);
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
    if (!this.#replies.keep(number, result)) this.#destroy(number, false);
    else if (!wasBlocked)
      connections.deadlines[number] = this.#connections.now + this.#limits.requestTimeoutMs;
  }

  /** Whether anybody waits for a deferred answer, and deadlines are to be kept closely. */
  get hasWaiting(): boolean {
    return this.#waits.count > 0;
  }

  /** Ends a wait; see {@link Engine.resume}. */
  resume(token: number): void {
    const number = this.#waits.find(token);
    if (number >= 0) this.#resume(number);
  }

  /** Ends connections and waits whose time is over, and tries again to accept where that failed. */
  checkDeadlines(): void {
    const connections = this.#connections;
    for (let number = 0; number < connections.end; number++) {
      if (connections.fds[number] < 0 || this.#connections.now < connections.deadlines[number]) continue;
      if (connections.has(number, STATE.dying)) continue;
      if (connections.has(number, STATE.waiting)) {
        this.#resume(number);
        continue;
      }
      this.#makeRoom();
      const blocked = connections.has(number, STATE.blocked);
      const closing = connections.has(number, STATE.closing);
      // Waiting in vain for the other end to close, with everything sent, is no fault of anybody.
      if (blocked || !closing) this.#counters.connectionTimedOut();
      // A reset lets the kernel forget what nobody reads.
      this.#destroy(number, blocked && !closing);
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
      if (connections.isIdle(number, newOnes)) this.#destroy(number, false);
    }
  }

  /** Ends all connections whatever is under way. */
  closeAll(): void {
    for (let number = 0; number < this.#connections.end; number++) {
      this.#makeRoom();
      if (this.#connections.fds[number] >= 0) this.#destroy(number, false);
    }
  }

  /** Gives memory back, once the ring is closed. */
  close(): void {
    this.#replies.close();
    this.#sockets.close();
  }

  #makeRoom(): void {
    if (this.#ring.room < ENTRIES_AT_ONCE) this.#flush();
  }

  #accepted(listener: number, result: number, flags: number): void {
    if (this.#acceptor.accepted(listener, result, flags)) this.#open(result);
    else if (result !== -ERROR.cancelled) this.#counters.connectionRefused();
  }

  #open(fd: number): void {
    const remote = this.#exchange.remote;
    const deadline = this.#connections.now + this.#limits.idleTimeoutMs;
    const isThere = this.#sockets.peerAddress(fd, remote);
    const number = isThere ? this.#connections.open(fd, remote, deadline) : -1;
    if (number === -1) {
      this.#counters.connectionRefused();
      close(fd);
      return;
    }
    this.#counters.connectionAccepted();
    this.#receiver.start(number, 0);
  }

  #received(number: number, result: number, flags: number): void {
    const connections = this.#connections;
    const buffers = this.#buffers;
    if ((flags & CQE_FLAG.more) === 0) connections.clear(number, STATE.receiving);
    if (connections.has(number, STATE.dying)) this.#endings.endIfDying(number);
    else if (result > 0) this.#take(number, buffers.offsetOf(flags >>> 16), result);
    else if (result === 0) this.#ended(number);
    else if (result === -ERROR.noBufferSpace) this.#receiver.start(number, 0);
    else if (result !== -ERROR.cancelled) this.#destroy(number, false);
    else if (!connections.has(number, STATE.blocked) && !this.#waits.isFull(number)) {
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
    if (connections.inputLengths[number] === 0 && !connections.has(number, STATE.blocked)) {
      this.#serve(number, bytes, start, start + length, true);
      return;
    }
    connections.append(number, bytes, start, start + length);
    const isFull = connections.inputLengths[number] >= INPUT_BYTES;
    if (!connections.has(number, STATE.blocked | STATE.waiting)) {
      this.#serve(number, connections.input(number), 0, connections.inputLengths[number], false);
    } else if (connections.has(number, STATE.waiting) && !isFull) {
      this.#receiver.start(number, RECV.pollFirst);
    } else {
      this.#receiver.stop(number);
    }
  }

  /** The other end will send no more. */
  #ended(number: number): void {
    const connections = this.#connections;
    connections.set(number, STATE.peerEnded);
    if (connections.has(number, STATE.blocked | STATE.waiting)) return;
    if (connections.has(number, STATE.closing)) this.#destroy(number, false);
    else this.#endings.close(number, false);
  }

  /**
   * Serves what was received, while the service consumes and the kernel takes the replies.
   * @param input holds it at `[start, end)`.
   * @param requestBegins whether it is a request that was not under way before.
   */
  #serve(number: number, input: Uint8Array, start: number, end: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const exchange = this.#exchange;
    const replies = this.#replies;
    let from = replies.written;
    let at = start;
    connections.loadRemote(number, exchange.remote);
    exchange.input = input;
    exchange.end = end;
    exchange.state = connections.states[number];
    exchange.close = false;
    exchange.deferMs = 0;
    while (at < end) {
      if (!replies.hasRoom) {
        if (replies.written > from) replies.send(number, from);
        this.#flush();
        from = replies.written;
        if (connections.has(number, STATE.blocked | STATE.dying)) break;
      }
      exchange.start = at;
      exchange.consumed = 0;
      exchange.outputStart = replies.written;
      this.#waits.offer(number, exchange, !this.#stopping);
      replies.written += this.#service.serve(exchange);
      at += exchange.consumed;
      if (exchange.close || exchange.consumed === 0) break;
    }
    connections.states[number] = exchange.state;
    connections.storeRemote(number, exchange.remote);
    if (connections.has(number, STATE.dying)) return;
    const left = end - at;
    connections.keep(number, input, at, end);
    if (exchange.deferMs > 0 && exchange.mayDefer) {
      this.#wait(number, from);
      return;
    }
    if (connections.has(number, STATE.blocked)) return;
    const closes =
      exchange.close ||
      connections.has(number, STATE.peerEnded) ||
      (this.#stopping && left === 0) ||
      left >= INPUT_BYTES;
    if (closes) {
      this.#endings.finish(number, from, exchange.close && left > 0);
      return;
    }
    if (replies.written > from) replies.send(number, from);
    this.#await(number, left, requestBegins || at > start);
  }

  /** Has the request at the front of the input wait as the exchange says. @param from where replies before it begin. */
  #wait(number: number, from: number): void {
    const connections = this.#connections;
    const { token, deferMs } = this.#exchange;
    this.#waits.taken();
    if (this.#replies.written > from) {
      this.#replies.send(number, from);
      this.#flush();
      if (connections.has(number, STATE.dying)) return;
    }
    if (connections.has(number, STATE.blocked)) {
      connections.set(number, STATE.resumed);
      return;
    }
    this.#waits.begin(number, token);
    connections.deadlines[number] = this.#connections.now + deferMs;
    if (!connections.has(number, STATE.peerEnded) && !this.#waits.isFull(number)) {
      this.#receiver.start(number, RECV.pollFirst);
    }
  }

  /** Ends a wait: serves again what has waited. */
  #resume(number: number): void {
    const connections = this.#connections;
    this.#waits.end(number);
    connections.set(number, STATE.resumed);
    this.#makeRoom();
    this.#serve(number, connections.input(number), 0, connections.inputLengths[number], true);
  }

  /** Waits for more. @param requestBegins whether what is `left` of the input is the start of another request. */
  #await(number: number, left: number, requestBegins: boolean): void {
    const { idleTimeoutMs, requestTimeoutMs } = this.#limits;
    if (left === 0) this.#connections.deadlines[number] = this.#connections.now + idleTimeoutMs;
    else if (requestBegins) this.#connections.deadlines[number] = this.#connections.now + requestTimeoutMs;
    // One that brings a second request may well bring more.
    this.#receiver.start(number, left === 0 ? RECV.pollFirst | RECV.multishot : RECV.pollFirst);
  }

  /** There may be room for more of what could not be sent. */
  #writable(number: number): void {
    const connections = this.#connections;
    connections.clear(number, STATE.polling);
    if (connections.has(number, STATE.dying)) this.#endings.endIfDying(number);
    else if (this.#replies.sendKept(number)) this.#unblocked(number);
  }

  /** All has been sent: goes on where it was left off. */
  #unblocked(number: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.closing)) {
      const draining = connections.has(number, STATE.draining) && !connections.has(number, STATE.peerEnded);
      this.#endings.close(number, draining);
      return;
    }
    const kept = connections.inputLengths[number];
    if (kept > 0) this.#serve(number, connections.input(number), 0, kept, true);
    else if (connections.has(number, STATE.peerEnded) || this.#stopping) this.#endings.close(number, false);
    else this.#await(number, 0, false);
  }

  /** Ends the connection whatever is under way. @param reset whether the other end is told so. */
  #destroy(number: number, reset: boolean): void {
    this.#waits.end(number);
    this.#endings.destroy(number, reset);
  }
}
