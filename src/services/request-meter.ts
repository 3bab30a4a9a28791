/** Counts the requests of one worker, and times some of them. The layout of the counts: model/request-counts.ts. */
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

/** Returns milliseconds of a monotonic clock. */
export type Stopwatch = () => number;

/** Times one of `TIMED_EVERY` requests: reading the clock allocates a number, and costs 1 % of an announce. */
export class RequestMeter {
  readonly #counters: Float64Array;
  readonly #now: Stopwatch;
  readonly #began = new Float64Array(1);
  #requests = 0;

  /** @param counters of model/counters.ts. */
  constructor(counters: Float64Array, now: Stopwatch) {
    this.#counters = counters;
    this.#now = now;
  }

  /** Called before a request is parsed. */
  begin(): void {
    if ((this.#requests & (TIMED_EVERY - 1)) === 0) this.#began[0] = this.#now();
  }

  /** Called when the request has been served. A request that is not complete yet has no end; it begins again. */
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
