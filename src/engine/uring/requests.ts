/** Serving what connections of the `uring` engine have sent: from bytes to the service, and from the service to replies. */
import {
  type EngineLimits,
  Exchange,
  INPUT_BYTES,
  REPLY_BYTES,
  REQUESTS_AT_ONCE,
  type StreamService,
} from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";
import type { Endings } from "./endings.ts";
import { RECV } from "./layouts.ts";
import type { Receiver } from "./receiver.ts";
import type { Replies } from "./replies.ts";
import type { SocketCalls } from "./socket-calls.ts";
import { Turns } from "./turns.ts";
import { Waits } from "./waits.ts";

/** What {@link Requests} work with. */
export interface RequestParts {
  readonly connections: Connections;
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly replies: Replies;
  readonly endings: Endings;
  readonly receiver: Receiver;
  readonly sockets: SocketCalls;
  /** Submits what waits; afterwards the kernel has taken, or refused, all replies. */
  readonly flush: () => void;
}

/** Those of a thread. */
export class Requests {
  /** Connections end as soon as nothing is under way on them. */
  stopping = false;
  readonly waits: Waits;
  readonly turns: Turns;
  readonly #parts: RequestParts;
  readonly #connections: Connections;
  readonly #replies: Replies;
  readonly #exchange = new Exchange();

  constructor(parts: RequestParts) {
    this.#parts = parts;
    this.#connections = parts.connections;
    this.#replies = parts.replies;
    this.#exchange.output = parts.replies.bytes;
    this.waits = new Waits(parts.connections, parts.limits.maxDeferred);
    this.turns = new Turns(parts.connections);
  }

  /**
   * Serves what was received, as much of it as is served in a row.
   * @param input holds it at `[start, end)`.
   * @param requestBegins whether it is a request that was not under way before.
   */
  serve(number: number, input: Buffer, start: number, end: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const exchange = this.#exchange;
    const replies = this.#replies;
    const { service, flush } = this.#parts;
    if (!replies.hasRoom) flush();
    const mayWait = !this.stopping && !connections.has(number, STATE.gone);
    const from = replies.written;
    let at = start;
    let requests = 0;
    connections.loadRemote(number, exchange.remote);
    exchange.input = input;
    exchange.end = end;
    exchange.state = connections.states[number];
    exchange.close = false;
    exchange.consumed = 0;
    exchange.deferMs = 0;
    while (at < end && requests < REQUESTS_AT_ONCE && replies.written < from + REPLY_BYTES) {
      exchange.start = at;
      exchange.consumed = 0;
      exchange.outputStart = replies.written;
      this.waits.offer(number, exchange, mayWait);
      replies.written += service.serve(exchange);
      at += exchange.consumed;
      requests++;
      if (exchange.close || exchange.consumed === 0) break;
    }
    connections.states[number] = exchange.state;
    connections.storeRemote(number, exchange.remote);
    connections.keep(number, input, at, end);
    if (connections.has(number, STATE.gone)) replies.written = from;
    this.#served(number, from, end - at, requestBegins || at > start);
  }

  /** Serves what is kept of a connection. @param requestBegins see {@link serve}. */
  serveKept(number: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const start = connections.inputStarts[number];
    const end = start + connections.inputLengths[number];
    this.serve(number, connections.input(number), start, end, requestBegins);
  }

  /** Serves the connection whose turn it is. */
  takeTurn(): void {
    const connections = this.#connections;
    const number = this.turns.take();
    if (connections.has(number, STATE.dying)) this.#parts.endings.endIfDying(number);
    else if (!connections.has(number, STATE.blocked)) this.serveKept(number, true);
  }

  /** Ends a wait: serves again what has waited. */
  resume(number: number): void {
    this.waits.end(number);
    this.#connections.set(number, STATE.resumed);
    this.serveKept(number, true);
  }

  /** All that was written has been sent: goes on where it was left off. */
  unblocked(number: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.queued)) return;
    if (connections.inputLengths[number] > 0) this.serveKept(number, true);
    else if (connections.has(number, STATE.peerEnded) || this.stopping)
      this.#parts.endings.close(number, false);
    else this.#await(number, 0, false);
  }

  /**
   * Nothing can be sent to the other end any more. What it has sent before is served nevertheless, when its turn comes,
   * though nobody is answered; that is not more than there is room for in the kernel.
   */
  gone(number: number): void {
    const connections = this.#connections;
    const { endings, sockets } = this.#parts;
    if (connections.has(number, STATE.closing)) {
      endings.destroy(number);
      return;
    }
    if (connections.has(number, STATE.waiting)) {
      this.waits.end(number);
      connections.set(number, STATE.resumed);
    }
    connections.dropOutput(number);
    connections.set(number, STATE.gone);
    sockets.endBothSides(connections.fds[number]);
    this.turns.add(number);
  }

  /** Decides how to go on. @param from where the replies begin. @param left what has not been served of the input. */
  #served(number: number, from: number, left: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const exchange = this.#exchange;
    const replies = this.#replies;
    if (exchange.deferMs > 0 && exchange.mayDefer) {
      this.#wait(number, from);
      return;
    }
    const isTurnOver = !exchange.close && exchange.consumed > 0 && left > 0;
    const closes =
      exchange.close ||
      (!isTurnOver &&
        (connections.has(number, STATE.peerEnded) || (this.stopping && left === 0) || left >= INPUT_BYTES));
    if (closes) {
      this.#parts.endings.finish(number, from, exchange.close && left > 0);
      return;
    }
    if (replies.written > from) replies.send(number, from);
    if (isTurnOver) this.turns.add(number);
    else this.#await(number, left, requestBegins);
  }

  /** Has the request at the front of the input wait as the exchange says. @param from where replies before it begin. */
  #wait(number: number, from: number): void {
    const connections = this.#connections;
    const { token, deferMs } = this.#exchange;
    this.waits.taken();
    if (this.#replies.written > from) {
      this.#replies.send(number, from);
      this.#parts.flush();
      if (connections.has(number, STATE.dying)) return;
    }
    if (connections.has(number, STATE.blocked | STATE.gone)) {
      connections.set(number, STATE.resumed);
      return;
    }
    this.waits.begin(number, token);
    connections.deadlines[number] = connections.now + deferMs;
    if (!connections.has(number, STATE.peerEnded) && this.waits.hasRoom(number)) {
      this.#parts.receiver.start(number, RECV.pollFirst);
    }
  }

  /** Waits for more. @param requestBegins whether what is `left` of the input is the start of another request. */
  #await(number: number, left: number, requestBegins: boolean): void {
    const { idleTimeoutMs, requestTimeoutMs } = this.#parts.limits;
    const { deadlines, now, crowd } = this.#connections;
    if (left === 0) deadlines[number] = now + idleTimeoutMs;
    else if (requestBegins) deadlines[number] = now + requestTimeoutMs;
    if (left === 0) crowd.idle(number);
    else crowd.slow(number);
    // One that brings a second request may well bring more.
    this.#parts.receiver.start(number, left === 0 ? RECV.pollFirst | RECV.multishot : RECV.pollFirst);
  }
}
