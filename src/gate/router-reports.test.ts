import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVITY } from "../store/group-activity.ts";
import { GATE_COUNTERS, type GateCounts, type GateReport } from "./report.ts";
import { RouterReports } from "./router-reports.ts";

/** @param count of each counter. */
function report(follower: number, count: number): GateReport {
  const counters = Object.fromEntries(GATE_COUNTERS.map((name) => [name, count])) as GateCounts;
  return {
    follower: follower.toString(16).padStart(16, "0"),
    router: `r${follower}`,
    version: 1,
    countOnly: false,
    counters,
  };
}

test("the sum is over all routers, and a follower that starts anew is another", () => {
  const reports = new RouterReports();
  reports.receive(report(1, 10), 0);
  reports.receive(report(2, 5), 0);
  reports.receive(report(1, 12), 60_000);
  assert.equal(reports.totals().refusedFarOut, 17);
  reports.receive(report(3, 1), 60_000);
  assert.equal(reports.totals().exempted, 18);
  // In the database: only what was counted since the first report of each.
  assert.deepEqual([...reports.activity.subarray(ACTIVITY.handshakes, ACTIVITY.handshakes + 2)], [10, 10]);
});

test("followers that come and go take no more memory, and their counts stay", () => {
  const reports = new RouterReports();
  for (let follower = 0; follower < 1000; follower++) reports.receive(report(follower, 1), follower);
  assert.equal(reports.totals().seenHandshakeIn, 1000);
  assert.equal(reports.routers(1000).length, 100);
  assert.ok(reports.routers(1000).every(({ isStale }) => !isStale));
  assert.ok(reports.routers(200_000).every(({ isStale }) => isStale));
  assert.deepEqual(reports.routers(90_000_000), []);
});
