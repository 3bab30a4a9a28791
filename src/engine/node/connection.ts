/** One TCP connection of the `node` engine. */
import type { Socket } from "node:net";
import { NONE } from "../connection-limits/linked-lists.ts";
import {
  type EngineCounters,
  type EngineLimits,
  type Exchange,
  INPUT_BYTES,
  REQUESTS_AT_ONCE,
  type StreamService,
} from "../engine.ts";
import { appendInput, keepInput } from "../kept-input.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { DeferredConnections } from "./deferred-connections.ts";
import type { Output } from "./output.ts";
import type { Queued, TurnQueue } from "./turn-queue.ts";

/** The state shared by all connections of one engine. */
export interface Shared {
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly counters: EngineCounters;
  readonly exchange: Exchange;
  readonly output: Output;
  /** The open connections, and closed ones whose input is not served yet. */
  readonly connections: Set<Connection>;
  /** The open connections by number, with the connection limits. */
  readonly table: ConnectionTable<Connection>;
  /** Connections that have sent more than is served in a row. */
  readonly turns: TurnQueue;
  /** Connections with a deferred request, by token. */
  readonly deferred: DeferredConnections<Connection>;
  /** Token of the next deferral. */
  nextToken: number;
  /** Whether connections close as soon as they are idle. */
  stopping: boolean;
  /** Called when the last connection has ended. */
  onEmpty: () => void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Serves one socket. It is in one of these states:
 * - reading;
 * - queued: it has had its turn, and there is more to serve; nothing is read;
 * - deferred: the service has deferred its request; nothing else is served, and a bounded amount is read;
 * - blocked: the kernel has not taken all of the reply; nothing is read or served until it has;
 * - closing: nothing is served any more.
 */
export class Connection implements Queued {
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #remote: Uint8Array;
  /** Its number in the connection table; {@link NONE} after it was removed. */
  #number: number;
  #state = 0;

  /** Unconsumed input: `[start, end)` of the received chunk, or of a buffer of its own. */
  #input: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** Whether `#input` is its own buffer, to which it may append. The input then starts at 0. */
  #ownsInput = false;

  /** Whether it has not sent a reply yet. */
  #isNew = true;
  #blocked = false;
  #closing = false;
  #queued = false;
  /** Whether the socket is closed, so that replies are discarded. */
  #disconnected = false;
  /** Token of the deferred request; 0 if there is none. */
  #token = 0;
  /** Whether the first request of the input was deferred. */
  #resumed = false;
  /** Whether the client has shut down its sending side. */
  #peerEnded = false;
  /** Deadline of the current state, on the clock of `performance.now()`. */
  #deadline: number;

  /** Allocated once per connection: called when the pending reply has been sent. */
  readonly #onSent = () => this.#sent();

  /**
   * @param number its number in the connection table.
   * @param remote the client's address; the connection keeps the array.
   */
  constructor(shared: Shared, socket: Socket, number: number, remote: Uint8Array) {
    this.#shared = shared;
    this.#socket = socket;
    this.#number = number;
    this.#remote = remote;
    this.#deadline = performance.now() + shared.limits.idleTimeoutMs;
    socket.on("data", (chunk) => this.#received(chunk));
    socket.on("end", () => this.#received(null));
    socket.on("error", ignoreError);
    socket.on("close", () => this.#closed());
  }

  /** Closes the connection, or ends its deferral, if the deadline has passed. */
  checkDeadline(now: number): void {
    if (now < this.#deadline || this.#queued || this.#disconnected) return;
    if (this.#token !== 0) {
      this.resume();
      return;
    }
    // Everything is sent and only the client's close is missing: not counted as a timeout.
    if (!this.#socket.writableFinished) this.#shared.counters.connectionTimedOut();
    // A reset makes the kernel discard unread data. It fails when the connection is already being shut down.
    if (this.#blocked && !this.#closing) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Serves the deferred request again. @param reply see `Engine.resume`. */
  resume(reply?: unknown): void {
    this.#endDeferral();
    this.#resumed = true;
    this.#socket.resume();
    this.#shared.exchange.reply = reply;
    this.#serve(true);
  }

  /**
   * Closes the connection if it is idle. Otherwise it closes when its request is done; a deferred request is served
   * now.
   * @param evenNew whether to close it before its first reply: its first request may be on its way.
   */
  closeIfIdle(evenNew: boolean): void {
    if (this.#token !== 0) this.resume();
    if (this.#isNew && !evenNew) return;
    const idle = this.#closing ? this.#socket.writableFinished : !this.#blocked && this.#start === this.#end;
    if (idle) this.#socket.destroy();
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
    if (this.#disconnected) this.#finish();
  }

  /** Closes the connection to make room for another. */
  displace(): void {
    this.#removeFromTable();
    this.#shared.counters.connectionDisplaced();
    // A reset makes the kernel discard unread data.
    if (this.#blocked) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Serves its input when its turn has come. */
  takeTurn(): void {
    this.#queued = false;
    this.#serve(true);
    if (this.#disconnected) {
      if (!this.#queued) this.#finish();
    } else if (!this.#queued && !this.#blocked && !this.#closing) {
      if (this.#token === 0 || this.#end < INPUT_BYTES) this.#socket.resume();
    }
  }

  /** Handles a chunk, or the end of input if it is null. No chunks arrive while the connection is blocked. */
  #received(chunk: Buffer | null): void {
    if (chunk === null) this.#peerEnded = true;
    if (this.#closing) return;
    if (chunk === null) {
      if (!this.#blocked && !this.#queued && this.#token === 0) this.#close(false);
    } else if (this.#token !== 0 || this.#queued) {
      this.#append(chunk);
      if (this.#end >= INPUT_BYTES) this.#socket.pause();
    } else if (this.#start < this.#end) {
      this.#append(chunk);
      this.#serve(false);
    } else {
      this.#input = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      this.#ownsInput = false;
      this.#serve(true);
    }
  }

  /** Serves the input as long as the service consumes it and the kernel takes the replies. */
  #serve(requestBegins: boolean): void {
    const { exchange, service, output, deferred, limits, stopping } = this.#shared;
    const before = this.#start;
    let written = 0;
    let requests = 0;
    exchange.input = this.#input;
    exchange.end = this.#end;
    exchange.remote = this.#remote;
    exchange.state = this.#state;
    exchange.close = false;
    exchange.deferMs = 0;
    while (this.#start < this.#end && requests < REQUESTS_AT_ONCE) {
      if (!output.hasRoomAfter(written)) {
        this.#send(written);
        written = 0;
        if (this.#blocked) break;
      }
      exchange.start = this.#start;
      exchange.consumed = 0;
      exchange.output = output.bytes;
      exchange.outputStart = output.start + written;
      exchange.token = this.#shared.nextToken;
      exchange.resumed = this.#resumed;
      exchange.mayDefer =
        !stopping && !this.#disconnected && !this.#resumed && deferred.size < limits.maxDeferred;
      this.#resumed = false;
      written += service.serve(exchange);
      exchange.reply = undefined;
      this.#start += exchange.consumed;
      requests++;
      if (exchange.close || exchange.consumed === 0) break;
    }
    this.#state = exchange.state;
    if (written > 0) this.#send(written);
    if (exchange.deferMs > 0 && exchange.mayDefer) this.#defer(exchange.deferMs);
    else if (exchange.close) this.#close(this.#start < this.#end);
    else if (this.#blocked) return;
    else if (requests === REQUESTS_AT_ONCE && exchange.consumed > 0 && this.#start < this.#end) this.#queue();
    else this.#served(requestBegins || this.#start > before);
  }

  /** Waits for its next turn. */
  #queue(): void {
    const { turns, table } = this.#shared;
    this.#queued = true;
    table.limiter.busy(this.#number);
    this.#socket.pause();
    turns.add(this);
  }

  /** Defers the first request of the input, for at most `deferMs`. */
  #defer(deferMs: number): void {
    const { deferred } = this.#shared;
    const token = this.#shared.nextToken++;
    this.#keepInput();
    if (this.#blocked) {
      this.#resumed = true;
      return;
    }
    this.#token = token;
    deferred.add(token, this);
    this.#shared.table.limiter.busy(this.#number);
    this.#deadline = performance.now() + deferMs;
    if (this.#end >= INPUT_BYTES) this.#socket.pause();
  }

  #endDeferral(): void {
    this.#shared.deferred.delete(this.#token);
    this.#token = 0;
  }

  /**
   * Chooses the next state after all complete requests have been served.
   * @param requestBegins whether the remaining input is the start of a new request.
   */
  #served(requestBegins: boolean): void {
    const { limits, stopping, table } = this.#shared;
    const left = this.#end - this.#start;
    if (this.#peerEnded || (stopping && left === 0) || left >= INPUT_BYTES) {
      this.#close(false);
    } else if (left === 0) {
      this.#input = NOTHING;
      this.#deadline = performance.now() + limits.idleTimeoutMs;
      table.limiter.idle(this.#number);
    } else {
      this.#keepInput();
      table.limiter.slow(this.#number);
      if (requestBegins) this.#deadline = performance.now() + limits.requestTimeoutMs;
    }
  }

  /** Writes the replies in the output buffer to the socket. */
  #send(length: number): void {
    const { output, limits, table } = this.#shared;
    this.#isNew = false;
    if (this.#disconnected) return;
    this.#socket.write(output.view(length));
    // The kernel took everything before write() returned.
    if (this.#socket.writableLength === 0) return;
    output.keep(length);
    this.#blocked = true;
    table.limiter.slow(this.#number);
    this.#deadline = performance.now() + limits.requestTimeoutMs;
    this.#socket.pause();
    // "drain" is emitted only after writes above the high-water mark. The callback of an empty write reports that all
    // is sent.
    this.#socket.write(NOTHING, this.#onSent);
  }

  #sent(): void {
    if (this.#socket.destroyed) return;
    this.#blocked = false;
    if (this.#closing) return;
    this.#serve(true);
    if (!this.#blocked && !this.#closing && !this.#queued) this.#socket.resume();
  }

  /**
   * Closes the connection when all replies have been sent.
   * @param mayHaveSentMore whether unread input may arrive. Closing a socket with unread input resets the connection,
   *   and the reset may overtake the reply. So the client closes first, unless the deadline passes.
   */
  #close(mayHaveSentMore: boolean): void {
    const socket = this.#socket;
    this.#closing = true;
    this.#shared.table.limiter.slow(this.#number);
    this.#input = NOTHING;
    this.#start = 0;
    this.#end = 0;
    this.#deadline = performance.now() + this.#shared.limits.requestTimeoutMs;
    if (mayHaveSentMore && !this.#peerEnded) {
      socket.end();
      socket.resume();
    } else if (socket.writableLength > 0) {
      socket.destroySoon();
    } else {
      socket.destroy();
    }
  }

  /** The socket is closed. Input received before is still served, and the replies are discarded. */
  #closed(): void {
    this.#removeFromTable();
    this.#disconnected = true;
    this.#blocked = false;
    if (this.#token !== 0) {
      this.#endDeferral();
      this.#resumed = true;
    }
    const rest: Buffer | null = this.#closing ? null : this.#socket.read();
    if (rest !== null) this.#append(rest);
    if (this.#queued) return;
    if (!this.#closing && this.#start < this.#end) this.takeTurn();
    else this.#finish();
  }

  #removeFromTable(): void {
    if (this.#number === NONE) return;
    this.#shared.table.remove(this.#number);
    this.#number = NONE;
  }

  /** Removes the connection from the engine. */
  #finish(): void {
    const { connections, turns, counters, onEmpty } = this.#shared;
    if (!connections.delete(this)) return;
    turns.remove(this);
    counters.connectionClosed();
    if (connections.size === 0) onEmpty();
  }

  /** Appends a chunk to the kept input. */
  #append(chunk: Buffer): void {
    this.#input = appendInput(this.#input, this.#end, chunk, 0, chunk.length);
    this.#end += chunk.length;
  }

  /** Copies the remaining input out of its chunk, or to the front of the buffer. */
  #keepInput(): void {
    if (this.#ownsInput && this.#start === 0) return;
    this.#input = keepInput(this.#input, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    this.#ownsInput = true;
  }
}

/** A socket error ends its connection; "close" follows. */
function ignoreError(): void {}
