import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateCounters, COUNTER } from "../model/counters.ts";
import { allocateActivity } from "../store/group-activity.ts";
import { Rates } from "./rates.ts";
import { readTotals } from "./readings.ts";

test("a rate is what has grown within the window, by the time that has passed", (t) => {
  const counters = allocateCounters();
  const rates = new Rates(() => readTotals({ counters: [counters], activity: [allocateActivity()] }));
  const perSecond = (window: number) =>
    Math.round(rates.within(window)(({ counters: sums }) => sums[COUNTER.scrapes]) * 1000) / 1000;
  assert.equal(perSecond(10), 0, "nothing is known yet");
  let now = 0;
  t.mock.method(performance, "now", () => now);
  for (let second = 0; second <= 20; second++) {
    now = 2000 * second; // samples come late
    counters[COUNTER.scrapes] = second <= 10 ? 0 : 30 * (second - 10);
    rates.take();
  }
  assert.equal(perSecond(10), 15);
  assert.equal(perSecond(300), 7.5);
});
