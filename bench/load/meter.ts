/** Counts the responses of a job. */
import type { Job, Outcome } from "./job.ts";

/** A job fails after this time without any response. */
const PATIENCE_MS = 10_000;

/** Sleeping lets requests gather, so that more are handled at once. */
const SLEEP_MS = 1;
const NEVER = new Int32Array(new SharedArrayBuffer(4));

/** The counts of one job. */
export class Meter {
  responses = 0;
  responseBytes = 0;
  resent = 0;
  /** The time of the last {@link tick}, in milliseconds. */
  now = performance.now();
  readonly #started = this.now;
  readonly #sleeps: boolean;
  readonly #end: number;
  /** If everything is sent once, there may be too many latencies to keep, and nobody reads them. */
  readonly #latencies: number[] | undefined;
  #progressAt = this.now;

  constructor({ seconds, sleeps }: Job) {
    this.#sleeps = sleeps;
    this.#end = seconds === null ? Number.POSITIVE_INFINITY : this.now + seconds * 1000;
    this.#latencies = seconds === null ? undefined : [];
  }

  /** Whether no more requests are to be sent. */
  get isOver(): boolean {
    return this.now >= this.#end;
  }

  /** Reads the clock, after a sleep if the job requires it. @throws Error if the server no longer replies. */
  tick(): void {
    if (this.#sleeps) Atomics.wait(NEVER, 0, 0, SLEEP_MS);
    this.now = performance.now();
    if (this.now > this.#progressAt + PATIENCE_MS) throw new Error(`no answers for ${PATIENCE_MS} ms`);
  }

  /** Counts responses to requests that were sent together at that time. */
  answered(count: number, sentAt: number): void {
    this.responses += count;
    this.#progressAt = this.now;
    this.#latencies?.push(this.now - sentAt);
  }

  outcome(): Outcome {
    const sorted = Float64Array.from(this.#latencies ?? []).sort();
    const quantile = (part: number) => sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
    return {
      responses: this.responses,
      seconds: (this.now - this.#started) / 1000,
      responseBytes: this.responseBytes / this.responses,
      latencyMs: { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1) },
      resent: this.resent,
    };
  }
}
