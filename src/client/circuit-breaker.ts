/**
 * A circuit breaker for requests to one tracker. Clock and randomness are passed in.
 *
 *     closed ── `threshold` failures in a row, or a `retry in` ─────▶ open ── the delay is over ──▶ half-open: one try
 *        ▲                                                             ▲                              │
 *        └───────────────── success ───────────────────────────────────┴────────── failure ───────────┤
 *        └──────────────────────────────────────────── success ───────────────────────────────────────┘
 */

/** `closed`: requests are allowed. `open`: backing off. `half-open`: one request is under way, which decides. */
export type BreakerState = "closed" | "open" | "half-open";

/** Thresholds and delays of a {@link CircuitBreaker}. */
export interface BreakerSettings {
  /** Failures in a row that open the breaker. */
  readonly threshold: number;
  /** First delay in milliseconds; it doubles each time, up to `maxWaitMs`. */
  readonly waitMs: number;
  readonly maxWaitMs: number;
}

/** Five failures in a row; 15 seconds, doubling up to half an hour. */
const DEFAULT_SETTINGS: BreakerSettings = { threshold: 5, waitMs: 15_000, maxWaitMs: 1_800_000 };

/** Upper bound of the delay that a tracker may request (BEP 31), "never" included: one day. */
const LONGEST_REQUESTED_MS = 86_400_000;

/** The breaker of one tracker. */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #fraction: () => number;
  #state: BreakerState = "closed";
  #failures = 0;
  #waits = 0;
  #openUntilMs = 0;

  /** @param fraction uniform in [0, 1). */
  constructor(fraction: () => number, settings = DEFAULT_SETTINGS) {
    this.#settings = settings;
    this.#fraction = fraction;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Failures since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** When requests are allowed again, on the clock that is passed in; 0 while closed. */
  get openUntilMs(): number {
    return this.#state === "closed" ? 0 : this.#openUntilMs;
  }

  /** Whether a request is allowed now. If so, the caller must report its result: `succeed`, `fail` or `release`. */
  admit(nowMs: number): boolean {
    if (this.#state === "closed") return true;
    if (nowMs < this.#openUntilMs) return false;
    // If no result is reported, the request counts as lost after another delay.
    this.#state = "half-open";
    this.#openUntilMs = nowMs + this.#settings.maxWaitMs;
    return true;
  }

  /** A request succeeded. @returns whether the breaker was not closed before. */
  succeed(): boolean {
    const back = this.#state !== "closed";
    this.#state = "closed";
    this.#failures = 0;
    this.#waits = 0;
    return back;
  }

  /**
   * A request failed.
   * @param retryInMs the delay that the tracker requested (BEP 31); Infinity for "never".
   * @returns whether the breaker has just opened.
   */
  fail(nowMs: number, retryInMs?: number): boolean {
    this.#failures++;
    const before = this.#state;
    if (before === "open" && retryInMs === undefined) return false; // a request from before it opened
    if (before === "closed" && this.#failures < this.#settings.threshold && retryInMs === undefined)
      return false;
    this.#state = "open";
    this.#openUntilMs = Math.max(
      this.#openUntilMs * Number(before === "open"),
      nowMs + this.#wait(retryInMs),
    );
    return before === "closed";
  }

  /** The request was not made. */
  release(nowMs: number): void {
    if (this.#state !== "half-open") return;
    this.#state = "open";
    this.#openUntilMs = nowMs;
  }

  /** Half to all of the delay, at random, so that retries are spread. */
  #wait(retryInMs: number | undefined): number {
    const { waitMs, maxWaitMs } = this.#settings;
    const wait = Math.min(waitMs * 2 ** Math.min(this.#waits, 30), maxWaitMs);
    this.#waits++;
    const jittered = wait * (0.5 + this.#fraction() / 2);
    if (retryInMs === undefined) return jittered;
    return Math.max(jittered, Math.min(retryInMs, LONGEST_REQUESTED_MS));
  }
}
