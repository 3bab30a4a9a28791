import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVITY, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { GateTotals } from "./gate-totals.ts";

test("gated torrents and closed endpoints are weighted by time, for averages", () => {
  const totals = new GateTotals();
  totals.sample(5000, 1000, 1000);
  totals.sample(6000, 10, 4);
  totals.sample(9000, 20, 0);
  const [seconds, torrentSeconds, endpointSeconds] = totals.activity.subarray(ACTIVITY.gate);
  assert.deepEqual([seconds, torrentSeconds, endpointSeconds], [4, 70, 4]);
  const others = totals.activity.filter((_, i) => i < ACTIVITY.gate || i >= ACTIVITY_WIDTH);
  assert.ok(others.every((count) => count === 0));
});
