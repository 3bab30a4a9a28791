/** Serves the requests of connections of the `uring` engine. */
import {
  type EngineLimits,
  Exchange,
  INPUT_BYTES,
  REPLY_BYTES,
  REQUESTS_AT_ONCE,
  type StreamService,
} from "../engine.ts";
import type { ConnectionCloser } from "./connection-closer.ts";
import { type Connections, STATE } from "./connections.ts";
import { Deferrals } from "./deferrals.ts";
import { RECV } from "./layouts.ts";
import type { Receiver } from "./receiver.ts";
import type { Replies } from "./replies.ts";
import type { SocketCalls } from "./socket-calls.ts";
import { Turns } from "./turns.ts";

/** The components that {@link Requests} use. */
export interface RequestParts {
  readonly connections: Connections;
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly replies: Replies;
  readonly closer: ConnectionCloser;
  readonly receiver: Receiver;
  readonly sockets: SocketCalls;
  /** Submits all pending entries; afterwards the kernel has taken or refused all replies. */
  readonly flush: () => void;
}

/** Serves the requests of a thread. */
export class Requests {
  /** Whether connections close as soon as they are idle. */
  stopping = false;
  readonly deferrals: Deferrals;
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
    this.deferrals = new Deferrals(parts.connections, parts.limits.maxDeferred);
    this.turns = new Turns(parts.connections);
  }

  /**
   * Serves received input, up to {@link REQUESTS_AT_ONCE} requests.
   * @param input holds the bytes at `[start, end)`.
   * @param requestBegins whether they are the start of a new request.
   */
  serve(number: number, input: Buffer, start: number, end: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const exchange = this.#exchange;
    const replies = this.#replies;
    const { service, flush } = this.#parts;
    if (!replies.hasRoom) flush();
    const mayDefer = !this.stopping && !connections.has(number, STATE.disconnected);
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
      this.deferrals.offer(number, exchange, mayDefer);
      replies.written += service.serve(exchange);
      exchange.reply = undefined;
      at += exchange.consumed;
      requests++;
      if (exchange.close || exchange.consumed === 0) break;
    }
    connections.states[number] = exchange.state;
    connections.storeRemote(number, exchange.remote);
    connections.keep(number, input, at, end);
    if (connections.has(number, STATE.disconnected)) replies.written = from;
    this.#served(number, from, end - at, requestBegins || at > start);
  }

  /** Serves the buffered input of a connection. @param requestBegins see {@link serve}. */
  serveKept(number: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const start = connections.inputStarts[number];
    const end = start + connections.inputLengths[number];
    this.serve(number, connections.input(number), start, end, requestBegins);
  }

  /** Serves the next connection in the queue. */
  takeTurn(): void {
    const connections = this.#connections;
    const number = this.turns.take();
    if (connections.has(number, STATE.aborting)) this.#parts.closer.closeIfAborting(number);
    else if (!connections.has(number, STATE.blocked)) this.serveKept(number, true);
  }

  /** Serves a deferred request again. @param reply see `Engine.resume`. */
  resume(number: number, reply: unknown): void {
    this.deferrals.end(number);
    this.#connections.set(number, STATE.resumed);
    this.#exchange.reply = reply;
    this.serveKept(number, true);
  }

  /** Continues when the unsent part of a reply has been sent. */
  unblocked(number: number): void {
    const connections = this.#connections;
    if (connections.has(number, STATE.queued)) return;
    if (connections.inputLengths[number] > 0) this.serveKept(number, true);
    else if (connections.has(number, STATE.peerEnded) || this.stopping)
      this.#parts.closer.close(number, false);
    else this.#awaitInput(number, 0, false);
  }

  /**
   * Replies cannot be sent any more. Input received before is still served in its turn, and the replies are discarded.
   * Its amount is limited by the kernel's receive buffer.
   */
  disconnected(number: number): void {
    const connections = this.#connections;
    const { closer, sockets } = this.#parts;
    if (connections.has(number, STATE.closing)) {
      closer.destroy(number);
      return;
    }
    if (connections.has(number, STATE.deferred)) {
      this.deferrals.end(number);
      connections.set(number, STATE.resumed);
    }
    connections.dropOutput(number);
    connections.set(number, STATE.disconnected);
    sockets.shutdownBoth(connections.fds[number]);
    this.turns.add(number);
  }

  /** Chooses the next state. @param from offset of the replies. @param left unserved bytes of the input. */
  #served(number: number, from: number, left: number, requestBegins: boolean): void {
    const connections = this.#connections;
    const exchange = this.#exchange;
    const replies = this.#replies;
    if (exchange.deferMs > 0 && exchange.mayDefer) {
      this.#defer(number, from);
      return;
    }
    const isTurnOver = !exchange.close && exchange.consumed > 0 && left > 0;
    const closes =
      exchange.close ||
      (!isTurnOver &&
        (connections.has(number, STATE.peerEnded) || (this.stopping && left === 0) || left >= INPUT_BYTES));
    if (closes) {
      this.#parts.closer.finish(number, from, exchange.close && left > 0);
      return;
    }
    if (replies.written > from) replies.send(number, from);
    if (isTurnOver) this.turns.add(number);
    else this.#awaitInput(number, left, requestBegins);
  }

  /** Defers the first request of the input. @param from offset of the replies to earlier requests. */
  #defer(number: number, from: number): void {
    const connections = this.#connections;
    const { token, deferMs } = this.#exchange;
    this.deferrals.taken();
    if (this.#replies.written > from) {
      this.#replies.send(number, from);
      this.#parts.flush();
      if (connections.has(number, STATE.aborting)) return;
    }
    if (connections.has(number, STATE.blocked | STATE.disconnected)) {
      connections.set(number, STATE.resumed);
      return;
    }
    this.deferrals.begin(number, token);
    connections.deadlines[number] = connections.now + deferMs;
    if (!connections.has(number, STATE.peerEnded) && this.deferrals.hasRoom(number)) {
      this.#parts.receiver.start(number, RECV.pollFirst);
    }
  }

  /** Waits for more input. @param requestBegins whether the `left` bytes are the start of a new request. */
  #awaitInput(number: number, left: number, requestBegins: boolean): void {
    const { idleTimeoutMs, requestTimeoutMs } = this.#parts.limits;
    const { deadlines, now, limiter } = this.#connections;
    if (left === 0) deadlines[number] = now + idleTimeoutMs;
    else if (requestBegins) deadlines[number] = now + requestTimeoutMs;
    if (left === 0) limiter.idle(number);
    else limiter.slow(number);
    // A connection with a second request is likely to have more.
    this.#parts.receiver.start(number, left === 0 ? RECV.pollFirst | RECV.multishot : RECV.pollFirst);
  }
}
