/** One TCP connection of the `node` engine: from bytes to the service, and from the service to bytes. */
import type { Socket } from "node:net";
import {
  type EngineCounters,
  type EngineLimits,
  type Exchange,
  INPUT_BYTES,
  type StreamService,
} from "../engine.ts";
import { appendInput, keepInput } from "../kept-input.ts";
import { writePeerAddress } from "../peer-address.ts";
import type { Output } from "./output.ts";

/** What the connections of one engine share. */
export interface Shared {
  readonly service: StreamService;
  readonly limits: EngineLimits;
  readonly counters: EngineCounters;
  readonly exchange: Exchange;
  readonly output: Output;
  /** The open connections. */
  readonly connections: Set<Connection>;
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
 * Serves one socket. It is either reading, waiting (the service has deferred its answer: nothing more is served, and
 * not much is read), blocked (the kernel took less than was written: nothing more is read or served until all is sent),
 * or closing (nothing is served any more).
 */
export class Connection {
  readonly #shared: Shared;
  readonly #socket: Socket;
  readonly #remote = new Uint8Array(16);
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

  /** @param remoteAddress the other end, as `node:net` writes it. */
  constructor(shared: Shared, socket: Socket, remoteAddress: string) {
    this.#shared = shared;
    this.#socket = socket;
    this.#deadline = performance.now() + shared.limits.idleTimeoutMs;
    writePeerAddress(remoteAddress, this.#remote);
    socket.on("data", (chunk) => this.#received(chunk));
    socket.on("end", () => this.#received(null));
    socket.on("error", ignoreError);
    socket.on("close", () => this.#closed());
  }

  /** Closes the connection if its time is over. */
  checkDeadline(now: number): void {
    if (now < this.#deadline) return;
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
  }

  /** Takes a chunk, or with null notes that no more will come. Chunks never come while the connection is blocked. */
  #received(chunk: Buffer | null): void {
    if (chunk === null) this.#peerEnded = true;
    if (this.#closing) return;
    if (chunk === null) {
      if (!this.#blocked && this.#token === 0) this.#close(false);
    } else if (this.#token !== 0) {
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
    exchange.input = this.#input;
    exchange.end = this.#end;
    exchange.remote = this.#remote;
    exchange.state = this.#state;
    exchange.close = false;
    exchange.deferMs = 0;
    while (this.#start < this.#end) {
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
      exchange.mayDefer = !stopping && !this.#resumed && waiting.size < limits.maxDeferred;
      this.#resumed = false;
      written += service.serve(exchange);
      this.#start += exchange.consumed;
      if (exchange.close || exchange.consumed === 0) break;
    }
    this.#state = exchange.state;
    if (written > 0) this.#send(written);
    if (exchange.deferMs > 0 && exchange.mayDefer) this.#wait(exchange.deferMs);
    else if (exchange.close) this.#close(this.#start < this.#end);
    else if (!this.#blocked) this.#served(requestBegins || this.#start > before);
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
    const { limits, stopping } = this.#shared;
    const left = this.#end - this.#start;
    if (this.#peerEnded || (stopping && left === 0) || left >= INPUT_BYTES) {
      this.#close(false);
    } else if (left === 0) {
      this.#input = NOTHING;
      this.#deadline = performance.now() + limits.idleTimeoutMs;
    } else {
      this.#keepInput();
      if (requestBegins) this.#deadline = performance.now() + limits.requestTimeoutMs;
    }
  }

  /** Writes the replies in the output buffer to the socket. */
  #send(length: number): void {
    const { output, limits } = this.#shared;
    this.#isNew = false;
    this.#socket.write(output.view(length));
    // Nothing waits in the stream when the kernel took it all before write() returned.
    if (this.#socket.writableLength === 0) return;
    output.keep(length);
    this.#blocked = true;
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
    if (!this.#blocked && !this.#closing) this.#socket.resume();
  }

  /**
   * Ends the connection when everything written has been sent.
   * @param mayHaveSentMore closing a socket with unread input resets the connection, and the reset may overtake the
   *   reply: then the other end closes first, or its time is over.
   */
  #close(mayHaveSentMore: boolean): void {
    const socket = this.#socket;
    this.#closing = true;
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

  #closed(): void {
    const { connections, counters, onEmpty } = this.#shared;
    connections.delete(this);
    this.#endWait();
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
