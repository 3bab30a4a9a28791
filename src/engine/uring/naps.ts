/**
 * Naps of a busy thread, as network cards hold interrupts back so that one tells of several packets. A thread that
 * keeps up with what comes is put to sleep and woken for every connection, which costs as much as accepting it. While so
 * many come that a short nap gathers several, it naps before it waits, and serves them together.
 *
 * Only new connections count, which are mostly of different clients. Whoever sends a request when it has the reply to
 * the last one, on a kept connection or as datagrams, would wait for nothing.
 */

/** How long a nap is asked to be. The kernel adds up to 50 µs (timer slack, prctl(2)): the most that a reply is late. */
export const NAP_MICROSECONDS = 100;

/** Turns of the engine that count, the last ones most. */
const TURNS = 64;

/** A thread was idle for so long before its first turn. */
const IDLE_MS = 1000;

/** Decides when a thread naps. */
export class Naps {
  /** Takes so many microseconds. */
  readonly #sleep: (microseconds: number) => void;
  #turnedAt: number;
  /** Of the last turns, fading: how long they took, waiting included, and how many came. */
  #elapsedMs = IDLE_MS;
  #arrivals = 0;

  /** @param now here and in {@link turn}: on the clock of `performance.now()`. */
  constructor(sleep: (microseconds: number) => void, now: number) {
    this.#sleep = sleep;
    this.#turnedAt = now;
  }

  /** Another turn begins. */
  turn(now: number): void {
    const kept = 1 - 1 / TURNS;
    this.#elapsedMs = this.#elapsedMs * kept + now - this.#turnedAt;
    this.#arrivals *= kept;
    this.#turnedAt = now;
  }

  /** So many connections have come in this turn. */
  arrived(count: number): void {
    this.#arrivals += count;
  }

  /** Whether so many come that one is to be expected in the time of a nap. As it takes longer, it gathers more. */
  get isWorthIt(): boolean {
    return this.#arrivals * NAP_MICROSECONDS > this.#elapsedMs * 1000;
  }

  /** Takes a nap. */
  take(): void {
    this.#sleep(NAP_MICROSECONDS);
  }
}
