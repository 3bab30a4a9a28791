/**
 * Connections that have sent more than is served in a row: they take turns, a few of them each time the ring has been
 * entered, beside what comes from others.
 */
import { type Connections, STATE } from "./connections.ts";

/** So many have their turn each time: with the requests of one turn, half a millisecond. */
const AT_ONCE = 4;

/** Those of a thread, in the order of their turns. A connection whose turn is to come keeps its number until then. */
export class Turns {
  readonly #connections: Connections;
  /** A ring of numbers, each in it once at most. */
  readonly #numbers: Uint32Array;
  #first = 0;
  #count = 0;

  constructor(connections: Connections) {
    this.#connections = connections;
    this.#numbers = new Uint32Array(connections.fds.length);
  }

  /** Whether none are to come. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** How many have their turn now. Those that are added meanwhile come later. */
  get due(): number {
    return Math.min(this.#count, AT_ONCE);
  }

  /** Adds a connection behind the others, unless it is there. */
  add(number: number): void {
    if (this.#connections.has(number, STATE.queued)) return;
    this.#connections.set(number, STATE.queued);
    this.#connections.crowd.busy(number);
    this.#numbers[(this.#first + this.#count) % this.#numbers.length] = number;
    this.#count++;
  }

  /** Takes the first one. */
  take(): number {
    const number = this.#numbers[this.#first];
    this.#first = (this.#first + 1) % this.#numbers.length;
    this.#count--;
    this.#connections.clear(number, STATE.queued);
    return number;
  }
}
