/**
 * When a tracker may be asked that fails. Decides alone by what it is told: clock and randomness come from outside.
 *
 *     closed ── `threshold` failures in a row, or one with a date ──▶ open ── the wait is over ──▶ half-open: one try
 *        ▲                                                             ▲                              │
 *        └───────────────── success ───────────────────────────────────┴────────── failure ───────────┤
 *        └──────────────────────────────────────────── success ───────────────────────────────────────┘
 */

/** `closed`: asked. `open`: not asked until a time. `half-open`: one try is on its way, and decides. */
export type BreakerState = "closed" | "open" | "half-open";

/** How patient a {@link CircuitBreaker} is. */
export interface BreakerSettings {
  /** Failures in a row after which a tracker is left alone. */
  readonly threshold: number;
  /** The first wait in milliseconds; each one after is twice as long, up to `maxWaitMs`. */
  readonly waitMs: number;
  readonly maxWaitMs: number;
}

/** Five failures in a row; a quarter of a minute, then longer and longer, up to half an hour. */
const DEFAULT_SETTINGS: BreakerSettings = { threshold: 5, waitMs: 15_000, maxWaitMs: 1_800_000 };

/** The longest wait that a tracker may ask for (BEP 31), "never" too: it may have meant an hour. A day. */
const LONGEST_REQUESTED_MS = 86_400_000;

/** The state of one tracker. */
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

  /** The time from which on it may be asked again, of the clock that is passed in; 0 while it is closed. */
  get openUntilMs(): number {
    return this.#state === "closed" ? 0 : this.#openUntilMs;
  }

  /** Whether it may be asked now. Who is told so must say how it went: `succeed`, `fail` or `release`. */
  admit(nowMs: number): boolean {
    if (this.#state === "closed") return true;
    if (nowMs < this.#openUntilMs) return false;
    // A try that nobody says the end of is given up for lost after another wait.
    this.#state = "half-open";
    this.#openUntilMs = nowMs + this.#settings.maxWaitMs;
    return true;
  }

  /** It answered. @returns whether it is back: whether the state has changed to closed. */
  succeed(): boolean {
    const back = this.#state !== "closed";
    this.#state = "closed";
    this.#failures = 0;
    this.#waits = 0;
    return back;
  }

  /**
   * It did not answer, or not well.
   * @param retryInMs how long it asked to be left alone (BEP 31), Infinity for ever.
   * @returns whether it has just gone from being asked to being left alone.
   */
  fail(nowMs: number, retryInMs?: number): boolean {
    this.#failures++;
    const before = this.#state;
    if (before === "open" && retryInMs === undefined) return false; // asked before it was left alone
    if (before === "closed" && this.#failures < this.#settings.threshold && retryInMs === undefined)
      return false;
    this.#state = "open";
    this.#openUntilMs = Math.max(
      this.#openUntilMs * Number(before === "open"),
      nowMs + this.#wait(retryInMs),
    );
    return before === "closed";
  }

  /** It was not asked after all. */
  release(nowMs: number): void {
    if (this.#state !== "half-open") return;
    this.#state = "open";
    this.#openUntilMs = nowMs;
  }

  /** Between half of the wait and the whole, so that those who wait don't come back together. */
  #wait(retryInMs: number | undefined): number {
    const { waitMs, maxWaitMs } = this.#settings;
    const wait = Math.min(waitMs * 2 ** Math.min(this.#waits, 30), maxWaitMs);
    this.#waits++;
    const jittered = wait * (0.5 + this.#fraction() / 2);
    if (retryInMs === undefined) return jittered;
    return Math.max(jittered, Math.min(retryInMs, LONGEST_REQUESTED_MS));
  }
}
