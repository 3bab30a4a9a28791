/** Counts requests and times some of them, for one thread. Where the numbers lie: model/request-counts.ts. */
import type { Family } from "../model/address.ts";
import { REQUESTS_AT } from "../model/counters.ts";
import {
  LATENCY_BUCKETS,
  latencyAt,
  type RequestKind,
  type RequestOutcome,
  requestCountAt,
  TIMED_EVERY,
} from "../model/request-counts.ts";

/** Milliseconds of a clock that does not go back. */
export type Stopwatch = () => number;

/** Reading the clock leaves a number on the heap, and costs as much as a hundredth of an announce: so not every time. */
export class RequestMeter {
  readonly #counters: Float64Array;
  readonly #now: Stopwatch;
  readonly #began = new Float64Array(1);
  #requests = 0;

  /** @param counters of counters.ts. */
  constructor(counters: Float64Array, now: Stopwatch) {
    this.#counters = counters;
    this.#now = now;
  }

  /** A request is about to be looked at. */
  begin(): void {
    if ((this.#requests & (TIMED_EVERY - 1)) === 0) this.#began[0] = this.#now();
  }

  /** It is dealt with. Without this, the next {@link begin} takes its place. */
  end(kind: RequestKind, family: Family, outcome: RequestOutcome): void {
    this.#counters[REQUESTS_AT + requestCountAt(kind, family === 4 ? 0 : 1, outcome)]++;
    if ((this.#requests++ & (TIMED_EVERY - 1)) === 0) this.#time(kind, this.#now() - this.#began[0]);
  }

  #time(kind: RequestKind, ms: number): void {
    const at = REQUESTS_AT + latencyAt(kind);
    const bucket = 32 - Math.clz32(Math.max(0, Math.ceil(ms * 1000) - 1));
    this.#counters[at + Math.min(bucket, LATENCY_BUCKETS - 1)]++;
    this.#counters[at + LATENCY_BUCKETS] += ms / 1000;
  }
}
