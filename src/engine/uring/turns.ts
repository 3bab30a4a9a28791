/**
 * Round-robin queue of connections that have sent more than is served in a row. A few have their turn each time the
 * ring has been entered, besides new input of other connections.
 */
import { type Connections, STATE } from "./connections.ts";

/** Turns each time; their requests take about half a millisecond. */
const AT_ONCE = 4;

/** The queue of a thread. A queued connection keeps its number until its turn. */
export class Turns {
  readonly #connections: Connections;
  /** A ring buffer of numbers, without duplicates. */
  readonly #numbers: Uint32Array;
  #first = 0;
  #count = 0;

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#numbers = new Uint32Array(connections.fds.length);
  }

  /** Whether the queue is empty. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Number of connections whose turn it is. Those added meanwhile come later. */
  get due(): number {
    return Math.min(this.#count, AT_ONCE);
  }

  /** Appends a connection, unless it is queued already. */
  add(number: number): void {
    if (this.#connections.has(number, STATE.queued)) return;
    this.#connections.set(number, STATE.queued);
    this.#connections.limiter.busy(number);
    this.#numbers[(this.#first + this.#count) % this.#numbers.length] = number;
    this.#count++;
  }

  /** Removes the first connection. */
  take(): number {
    const number = this.#numbers[this.#first];
    this.#first = (this.#first + 1) % this.#numbers.length;
    this.#count--;
    this.#connections.clear(number, STATE.queued);
    return number;
  }
}
