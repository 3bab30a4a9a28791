/** Connections with a deferred request, and their tokens. */
import { type Exchange, INPUT_BYTES } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";

/**
 * Upper bound of connection numbers. A token is the number of the deferral times this, plus the connection's number.
 */
const NUMBERS = 2 ** 21;

/**
 * Range of the first deferral's number. It is random, so that tokens of a crashed thread are unknown to its successor.
 */
const FIRST_NUMBERS = 2 ** 31;

/** The deferred requests of a thread. */
export class Deferrals {
  /** Deferred requests. */
  count = 0;
  readonly #connections: Connections;
  readonly #most: number;
  /** Number of the next deferral. */
  #next = 1 + Math.floor(Math.random() * FIRST_NUMBERS);

  constructor(connections: Connections, most: number) {
    this.#connections = connections;
    this.#most = most;
  }

  /** Offers a token to the service, if this connection may defer, and says whether its request was deferred before. */
  offer(number: number, exchange: Exchange, allowed: boolean): void {
    const connections = this.#connections;
    const resumed = connections.has(number, STATE.resumed);
    if (resumed) connections.clear(number, STATE.resumed);
    exchange.resumed = resumed;
    exchange.mayDefer = allowed && !resumed && this.count < this.#most;
    exchange.token = this.#next * NUMBERS + number;
  }

  /** The last offered token was used: it is never offered again. */
  taken(): void {
    this.#next++;
  }

  /** Defers a connection's request under the token that was offered. */
  begin(number: number, token: number): void {
    this.#connections.set(number, STATE.deferred);
    this.#connections.tokens[number] = token;
    this.#connections.limiter.busy(number);
    this.count++;
  }

  /** Ends a deferral, if there is one. */
  end(number: number): void {
    if (!this.#connections.has(number, STATE.deferred)) return;
    this.#connections.clear(number, STATE.deferred);
    this.count--;
  }

  /** The connection with this token, or -1. */
  find(token: number): number {
    const number = token % NUMBERS;
    const isDeferred =
      number < this.#connections.end &&
      this.#connections.tokens[number] === token &&
      this.#connections.has(number, STATE.deferred);
    return isDeferred ? number : -1;
  }

  /** Whether a connection has a deferred request and its input buffer has room. */
  hasRoom(number: number): boolean {
    return (
      this.#connections.has(number, STATE.deferred) && this.#connections.inputLengths[number] < INPUT_BYTES
    );
  }
}
