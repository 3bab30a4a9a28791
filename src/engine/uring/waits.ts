/** Connections that wait for a deferred answer, and by which tokens. */
import { type Exchange, INPUT_BYTES } from "../engine.ts";
import { type Connections, STATE } from "./connections.ts";

/** Numbers of connections are smaller. A token is the number of the wait times this, and the connection's number. */
const NUMBERS = 2 ** 21;

/** Waits are counted from anywhere, so that the tokens of a thread that died mean nothing to the one in its place. */
const FIRST_WAITS = 2 ** 31;

/** Those of a thread. */
export class Waits {
  /** Connections that wait. */
  count = 0;
  readonly #connections: Connections;
  readonly #most: number;
  /** Number of the next wait. */
  #next = 1 + Math.floor(Math.random() * FIRST_WAITS);

  constructor(connections: Connections, most: number) {
    this.#connections = connections;
    this.#most = most;
  }

  /** Tells the service whether this connection can wait, by which token, and whether it has. */
  offer(number: number, exchange: Exchange, allowed: boolean): void {
    const connections = this.#connections;
    const resumed = connections.has(number, STATE.resumed);
    if (resumed) connections.clear(number, STATE.resumed);
    exchange.resumed = resumed;
    exchange.mayDefer = allowed && !resumed && this.count < this.#most;
    exchange.token = this.#next * NUMBERS + number;
  }

  /** The token that was last offered has been taken, and is never offered again. */
  taken(): void {
    this.#next++;
  }

  /** Has a connection wait, by the token that it was offered. */
  begin(number: number, token: number): void {
    this.#connections.set(number, STATE.waiting);
    this.#connections.tokens[number] = token;
    this.#connections.crowd.busy(number);
    this.count++;
  }

  /** Ends a wait, if there is one. */
  end(number: number): void {
    if (!this.#connections.has(number, STATE.waiting)) return;
    this.#connections.clear(number, STATE.waiting);
    this.count--;
  }

  /** The connection that waits by a token, or -1. */
  find(token: number): number {
    const number = token % NUMBERS;
    const waits =
      number < this.#connections.end &&
      this.#connections.tokens[number] === token &&
      this.#connections.has(number, STATE.waiting);
    return waits ? number : -1;
  }

  /** Whether a connection waits and has not sent as much meanwhile as is kept. */
  hasRoom(number: number): boolean {
    return (
      this.#connections.has(number, STATE.waiting) && this.#connections.inputLengths[number] < INPUT_BYTES
    );
  }
}
