/**
 * Accept coalescing, like the interrupt coalescing of network cards: a busy thread handles several connections per
 * wake-up.
 *
 * A thread that keeps up with its load would sleep and wake for every connection, and that costs as much as accepting
 * it. When connections arrive so often that a short delay collects several, the thread sleeps that long before it waits
 * for completions. It begins when a delay would collect two, and ends when it would not collect one: a thread that delays
 * is given more connections by clients that wait for their replies, and would otherwise begin and end again and again.
 *
 * Only new connections count, as most of them are of different clients. A client that waits for each reply before its
 * next request, on a kept connection or over UDP, would only be delayed.
 */

/**
 * The delay in microseconds. The kernel adds up to 50 µs (timer slack, prctl(2)). A reply is late by the sum at most.
 */
export const DELAY_MICROSECONDS = 100;

/** Connections within a delay at which a thread begins to delay, and below which it ends that. */
export const COLLECTED = { begin: 2, end: 1 } as const;

/** Turns with connections in the moving average of the rate; recent ones count most. */
const TURNS = 64;

/** Turns without connections after which the thread is not busy. One is usual: the turn that serves them. */
const IDLE_TURNS = 4;

/** Assumed idle time before the first turn, in milliseconds. */
const IDLE_MS = 1000;

/**
 * Decides when a thread delays. Turns without connections are only counted: floating-point arithmetic would allocate.
 */
export class AcceptCoalescing {
  /** Sleeps for so many microseconds. */
  readonly #sleep: (microseconds: number) => void;
  /** Decaying sums over the turns with connections: elapsed time, and connections accepted. */
  #elapsedMs = IDLE_MS;
  #arrivals = 0;
  #arrivedAt: number;
  #idleTurns = 0;
  #isBusy = false;

  /** @param now here and in {@link record}: on the clock of `performance.now()`. */
  constructor(sleep: (microseconds: number) => void, now: number) {
    this.#sleep = sleep;
    this.#arrivedAt = now;
  }

  /** Records the connections that a turn of the engine has accepted. */
  record(arrivals: number, now: number): void {
    if (arrivals === 0) {
      this.#idleTurns++;
      return;
    }
    const kept = 1 - 1 / TURNS;
    this.#elapsedMs = this.#elapsedMs * kept + now - this.#arrivedAt;
    this.#arrivals = this.#arrivals * kept + arrivals;
    this.#arrivedAt = now;
    this.#idleTurns = 0;
    const least = this.#isBusy ? COLLECTED.end : COLLECTED.begin;
    this.#isBusy = this.#arrivals * DELAY_MICROSECONDS > least * this.#elapsedMs * 1000;
  }

  /** Whether enough connections are expected within the delay. More arrive, as the delay takes longer than requested. */
  get isWorthwhile(): boolean {
    return this.#isBusy && this.#idleTurns <= IDLE_TURNS;
  }

  /** Sleeps for the delay. */
  delay(): void {
    this.#sleep(DELAY_MICROSECONDS);
  }
}
