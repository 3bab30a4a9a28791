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

/** Turns with connections that the rate is taken over, the last ones counting most. */
const TURNS = 64;

/** Turns without any after which the thread is not busy. One is usual: that in which they are served. */
const QUIET_TURNS = 4;

/** A thread was idle for so long before its first turn. */
const IDLE_MS = 1000;

/** Decides when a thread naps. Turns without connections are only counted: arithmetic would leave garbage. */
export class Naps {
  /** Takes so many microseconds. */
  readonly #sleep: (microseconds: number) => void;
  /** Of the last turns with connections, fading: how long it took until they came, and how many. */
  #elapsedMs = IDLE_MS;
  #arrivals = 0;
  #arrivedAt: number;
  #quietTurns = 0;
  #isBusy = false;

  /** @param now here and in {@link turn}: on the clock of `performance.now()`. */
  constructor(sleep: (microseconds: number) => void, now: number) {
    this.#sleep = sleep;
    this.#arrivedAt = now;
  }

  /** In another turn of the engine, at `now`, so many connections have come. */
  turn(arrivals: number, now: number): void {
    if (arrivals === 0) {
      this.#quietTurns++;
      return;
    }
    const kept = 1 - 1 / TURNS;
    this.#elapsedMs = this.#elapsedMs * kept + now - this.#arrivedAt;
    this.#arrivals = this.#arrivals * kept + arrivals;
    this.#arrivedAt = now;
    this.#quietTurns = 0;
    this.#isBusy = this.#arrivals * NAP_MICROSECONDS > this.#elapsedMs * 1000;
  }

  /** Whether so many come that one is to be expected in the time of a nap. As it takes longer, it gathers more. */
  get isWorthIt(): boolean {
    return this.#isBusy && this.#quietTurns <= QUIET_TURNS;
  }

  /** Takes a nap. */
  take(): void {
    this.#sleep(NAP_MICROSECONDS);
  }
}
