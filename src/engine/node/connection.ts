/** One TCP connection of the `node` engine: from bytes to the service, and from the service to bytes. */
import type { Socket } from "node:net";
import { NONE } from "../crowd/lists.ts";
import {
  type EngineCounters,
  type EngineLimits,
  type Exchange,
  INPUT_BYTES,
  REQUESTS_AT_ONCE,
  type StreamService,
} from "../engine.ts";
import { appendInput, keepInput } from "../kept-input.ts";
import type { Backlog, Queued } from "./backlog.ts";
import type { Members } from "./members.ts";
import type { Output } from "./output.ts";

/** What the connections of one engine share. */
export interface Shared {
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly counters: EngineCounters;
  readonly exchange: Exchange;
  readonly output: Output;
  /** The open connections, and those that have ended and sent something that is not served yet. */
  readonly connections: Set<Connection>;
  /** Who of them makes room for others. */
  readonly members: Members<Connection>;
  /** Those that have sent more than is served in a row. */
  readonly backlog: Backlog;
  /** Those that wait for their answer, by their tokens. */
  readonly waiting: Map<number, Connection>;
  /** Token of the next wait. */
  nextToken: number;
  /** Connections end as soon as nothing is under way on them. */
  stopping: boolean;
  /** Called when the last connection has closed. */
  onEmpty: () => void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Serves one socket. It is either reading, queued (it has had its turn, and there is more to serve: nothing more is read),
 * waiting (the service has deferred its answer: nothing more is served, and not much is read), blocked (the kernel took
 * less than was written: nothing more is read or served until all is sent), or closing (nothing is served any more).
 */
export class Connection implements Queued {
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #remote: Uint8Array;
  /** By which it is a member; afterwards {@link NONE}. */
  #number: number;
  #state = 0;

  /** What was received and not consumed: `[start, end)` of the chunk it came in, or of a buffer of our own. */
  #input: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** Whether `#input` is ours to append to. It then begins at 0. */
  #ownsInput = false;

  /** Whether it has had no reply yet. */
  #isNew = true;
  #blocked = false;
  #closing = false;
  #queued = false;
  /** Whether the socket is closed: replies reach nobody any more. */
  #gone = false;
  /** What it waits by; 0 when it does not. */
  #token = 0;
  /** Whether the request at the front of the input has waited. */
  #resumed = false;
  /** Whether the other end has sent all it will. */
  #peerEnded = false;
  /** When the present wait is over, on the clock of `performance.now()`. */
  #deadline: number;

  /** Made once per connection: called when what blocked the connection has been sent. */
  readonly #onSent = () => this.#sent();

  /**
   * @param number by which it is a member.
   * @param remote the other end's address; it is kept.
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

  /** Closes the connection if its time is over. */
  checkDeadline(now: number): void {
    if (now < this.#deadline || this.#queued || this.#gone) return;
    if (this.#token !== 0) {
      this.resume();
      return;
    }
    // Waiting in vain for the other end to close, with everything sent, is no fault of anybody.
    if (!this.#socket.writableFinished) this.#shared.counters.connectionTimedOut();
    // A reset lets the kernel forget what nobody reads; it fails when the connection is already being shut down.
    if (this.#blocked && !this.#closing) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Ends the wait: serves again what has waited. */
  resume(): void {
    this.#endWait();
    this.#resumed = true;
    this.#socket.resume();
    this.#serve(true);
  }

  /**
   * Closes the connection if nothing is under way on it. Otherwise it closes when that is done: a wait is over now.
   * @param evenNew whether even if it has had no reply yet: its first request may be on its way.
   */
  closeIfIdle(evenNew: boolean): void {
    if (this.#token !== 0) this.resume();
    if (this.#isNew && !evenNew) return;
    const idle = this.#closing ? this.#socket.writableFinished : !this.#blocked && this.#start === this.#end;
    if (idle) this.#socket.destroy();
  }

  /** Closes the connection whatever is under way. */
  destroy(): void {
    this.#socket.destroy();
    if (this.#gone) this.#finish();
  }

  /** Closes the connection for others. */
  makeRoom(): void {
    this.#leave();
    this.#shared.counters.connectionDisplaced();
    // A reset lets the kernel forget what nobody reads.
    if (this.#blocked) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  /** Serves what it has sent, when it is its turn again. */
  takeTurn(): void {
    this.#queued = false;
    this.#serve(true);
    if (this.#gone) {
      if (!this.#queued) this.#finish();
    } else if (!this.#queued && !this.#blocked && !this.#closing) {
      if (this.#token === 0 || this.#end < INPUT_BYTES) this.#socket.resume();
    }
  }

  /** Takes a chunk, or with null notes that no more will come. Chunks never come while the connection is blocked. */
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

  /** Serves what was received, while the service consumes and the kernel takes the replies. */
  #serve(requestBegins: boolean): void {
    const { exchange, service, output, waiting, limits, stopping } = this.#shared;
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
      exchange.mayDefer = !stopping && !this.#gone && !this.#resumed && waiting.size < limits.maxDeferred;
      this.#resumed = false;
      written += service.serve(exchange);
      this.#start += exchange.consumed;
      requests++;
      if (exchange.close || exchange.consumed === 0) break;
    }
    this.#state = exchange.state;
    if (written > 0) this.#send(written);
    if (exchange.deferMs > 0 && exchange.mayDefer) this.#wait(exchange.deferMs);
    else if (exchange.close) this.#close(this.#start < this.#end);
    else if (this.#blocked) return;
    else if (requests === REQUESTS_AT_ONCE && exchange.consumed > 0 && this.#start < this.#end) this.#queue();
    else this.#served(requestBegins || this.#start > before);
  }

  /** Waits for its next turn. */
  #queue(): void {
    const { backlog, members } = this.#shared;
    this.#queued = true;
    members.crowd.busy(this.#number);
    this.#socket.pause();
    backlog.add(this);
  }

  /** Has the request at the front of the input wait, for at most so many milliseconds. */
  #wait(deferMs: number): void {
    const { waiting } = this.#shared;
    const token = this.#shared.nextToken++;
    this.#keepInput();
    if (this.#blocked) {
      this.#resumed = true;
      return;
    }
    this.#token = token;
    waiting.set(token, this);
    this.#shared.members.crowd.busy(this.#number);
    this.#deadline = performance.now() + deferMs;
    if (this.#end >= INPUT_BYTES) this.#socket.pause();
  }

  #endWait(): void {
    this.#shared.waiting.delete(this.#token);
    this.#token = 0;
  }

  /**
   * Decides how to go on when all that can be served has been served and sent.
   * @param requestBegins whether what is left of the input is a request that was not under way before.
   */
  #served(requestBegins: boolean): void {
    const { limits, stopping, members } = this.#shared;
    const left = this.#end - this.#start;
    if (this.#peerEnded || (stopping && left === 0) || left >= INPUT_BYTES) {
      this.#close(false);
    } else if (left === 0) {
      this.#input = NOTHING;
      this.#deadline = performance.now() + limits.idleTimeoutMs;
      members.crowd.idle(this.#number);
    } else {
      this.#keepInput();
      members.crowd.slow(this.#number);
      if (requestBegins) this.#deadline = performance.now() + limits.requestTimeoutMs;
    }
  }

  /** Writes the replies in the output buffer to the socket. */
  #send(length: number): void {
    const { output, limits, members } = this.#shared;
    this.#isNew = false;
    if (this.#gone) return;
    this.#socket.write(output.view(length));
    // Nothing waits in the stream when the kernel took it all before write() returned.
    if (this.#socket.writableLength === 0) return;
    output.keep(length);
    this.#blocked = true;
    members.crowd.slow(this.#number);
    this.#deadline = performance.now() + limits.requestTimeoutMs;
    this.#socket.pause();
    // "drain" comes only after writes above the stream's high-water mark; an empty write reports the end of any.
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
   * Ends the connection when everything written has been sent.
   * @param mayHaveSentMore closing a socket with unread input resets the connection, and the reset may overtake the
   *   reply: then the other end closes first, or its time is over.
   */
  #close(mayHaveSentMore: boolean): void {
    const socket = this.#socket;
    this.#closing = true;
    this.#shared.members.crowd.slow(this.#number);
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

  /** The socket is closed. What was received before is served, though nobody can be answered. */
  #closed(): void {
    this.#leave();
    this.#gone = true;
    this.#blocked = false;
    if (this.#token !== 0) {
      this.#endWait();
      this.#resumed = true;
    }
    const rest: Buffer | null = this.#closing ? null : this.#socket.read();
    if (rest !== null) this.#append(rest);
    if (this.#queued) return;
    if (!this.#closing && this.#start < this.#end) this.takeTurn();
    else this.#finish();
  }

  #leave(): void {
    if (this.#number === NONE) return;
    this.#shared.members.remove(this.#number);
    this.#number = NONE;
  }

  /** Nothing is left to do. */
  #finish(): void {
    const { connections, backlog, counters, onEmpty } = this.#shared;
    if (!connections.delete(this)) return;
    backlog.remove(this);
    counters.connectionClosed();
    if (connections.size === 0) onEmpty();
  }

  /** Adds a chunk to the kept start of a request. */
  #append(chunk: Buffer): void {
    this.#input = appendInput(this.#input, this.#end, chunk, 0, chunk.length);
    this.#end += chunk.length;
  }

  /** Moves the start of a request out of the chunk it came in, or to the front. */
  #keepInput(): void {
    if (this.#ownsInput && this.#start === 0) return;
    this.#input = keepInput(this.#input, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    this.#ownsInput = true;
  }
}

/** An error of a socket is the end of its connection and nothing else; "close" follows. */
function ignoreError(): void {}
