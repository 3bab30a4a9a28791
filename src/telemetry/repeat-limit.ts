/** Limits how often the same message is logged. */

/** The usual minimum time between two messages, in milliseconds. */
const MINUTE_MS = 60_000;

/** The limit of one message. */
export class RepeatLimit {
  readonly #everyMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** @param everyMs the minimum time between two messages. */
  constructor(everyMs = MINUTE_MS) {
    this.#everyMs = everyMs;
  }

  /** @returns whether the message may be logged now. Then the time until the next one begins. */
  admit(nowMs = performance.now()): boolean {
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#everyMs;
    return true;
  }

  /** Admits the next message at once. */
  reset(): void {
    this.#nextMs = Number.NEGATIVE_INFINITY;
  }
}
