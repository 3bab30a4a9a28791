/** Rates of totals per second, from samples of the last minutes. */
import type { Totals } from "./readings.ts";

const SAMPLE_MS = 1000;

/** Seconds over which requests are averaged, and bytes, which clients report only when they announce. */
export const REQUEST_WINDOW = 10;
export const TRAFFIC_WINDOW = 300;

interface Sample {
  readonly at: number;
  readonly totals: Totals;
}

/** Samples totals every second while it runs. */
export class Rates {
  readonly #read: () => Totals;
  readonly #samples: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param read gives the totals now. */
  constructor(read: () => Totals) {
    this.#read = read;
  }

  /** Begins to sample. */
  start(): void {
    this.take();
    this.#timer = setInterval(() => this.take(), SAMPLE_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes a sample. */
  take(): void {
    this.#samples.push({ at: performance.now(), totals: this.#read() });
    if (this.#samples.length > TRAFFIC_WINDOW + 1) this.#samples.shift();
  }

  /** Returns a function that computes the rate of a value per second within a window; 0 before there are samples. */
  within(windowSeconds: number): (value: (totals: Totals) => number) => number {
    const latest = this.#samples.at(-1);
    const first = this.#samples[Math.max(0, this.#samples.length - 1 - windowSeconds)];
    const seconds = latest === undefined ? 0 : (latest.at - first.at) / 1000;
    return (value) =>
      latest === undefined || seconds <= 0 ? 0 : (value(latest.totals) - value(first.totals)) / seconds;
  }
}
