import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateCounters, REQUESTS_AT } from "../model/counters.ts";
import {
  LATENCY_BUCKETS,
  latencyAt,
  OUTCOME,
  REQUEST,
  requestCountAt,
  TIMED_EVERY,
} from "../model/request-counts.ts";
import { RequestMeter } from "./request-meter.ts";

test("every request is counted, one in so many is timed", () => {
  const counters = allocateCounters();
  let now = 0;
  const meter = new RequestMeter(counters, () => now);
  const at = REQUESTS_AT + latencyAt(REQUEST.udpScrape);
  const timed: number[] = [0.0005, 0.001, 0.0011, 0.002, 0.5, 1000];
  for (const took of timed) {
    for (let i = 0; i < TIMED_EVERY; i++) {
      now = -1;
      meter.begin(); // of a request that does not come to its end
      now = 0;
      meter.begin();
      now = took;
      meter.end(REQUEST.udpScrape, 6, OUTCOME.refused);
    }
  }
  assert.equal(
    counters[REQUESTS_AT + requestCountAt(REQUEST.udpScrape, 1, OUTCOME.refused)],
    timed.length * TIMED_EVERY,
  );
  const buckets = [...counters.subarray(at, at + LATENCY_BUCKETS)];
  assert.deepEqual(buckets.slice(0, 2), [2, 2], "up to a microsecond, and up to two");
  assert.equal(buckets[9], 1, "up to 512 microseconds");
  assert.equal(buckets[LATENCY_BUCKETS - 1], 1, "everything longer");
  const sum = timed.reduce((total, each) => total + each / 1000, 0);
  assert.ok(Math.abs(counters[at + LATENCY_BUCKETS] - sum) < 1e-9);
});
