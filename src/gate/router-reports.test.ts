import assert from "node:assert/strict";
import { test } from "node:test";
import { type GateActivity, gateAt } from "../store/group-activity.ts";
import { GateTotals } from "./gate-totals.ts";
import { GATE_COUNTERS, type GateCounts, type GateReport } from "./report.ts";
import { RouterReports } from "./router-reports.ts";

/** @param count of each counter. */
function report(follower: number, count: number, countOnly = false): GateReport {
  const counters = Object.fromEntries(GATE_COUNTERS.map((name) => [name, count])) as GateCounts;
  return {
    follower: follower.toString(16).padStart(16, "0"),
    router: `r${follower}`,
    version: 1,
    countOnly,
    counters,
  };
}

/** Reports, and what of them is counted for the database. */
function makeReports() {
  const totals = new GateTotals();
  const stored = (what: GateActivity) => totals.activity[gateAt(what)];
  return { reports: new RouterReports(totals), stored };
}

test("the sum is over all routers, and a follower that starts anew is another", () => {
  const { reports, stored } = makeReports();
  reports.receive(report(1, 10), 0);
  reports.receive(report(2, 5), 0);
  reports.receive(report(1, 12), 10_000);
  assert.equal(reports.totals().refusing.refusedFarOut, 17);
  reports.receive(report(3, 1), 10_000);
  assert.equal(reports.totals().refusing.exempted, 18);
  // In the database: only what was counted since the first report of each.
  assert.deepEqual([stored("seenFarOut"), stored("refusedFarOut"), stored("exempted")], [2, 2, 2]);
});

test("what a router only counts is no refusal", () => {
  const { reports, stored } = makeReports();
  for (const count of [0, 3]) reports.receive(report(1, count, true), 0);
  for (const count of [0, 10]) reports.receive(report(2, count), 0);
  const { refusing, counting } = reports.totals();
  assert.deepEqual([refusing.refusedEndpointIn, counting.refusedEndpointIn], [10, 3]);
  assert.deepEqual([stored("seenEndpointIn"), stored("refusedEndpointIn")], [13, 10]);
  assert.equal(stored("onlyCounted"), 5 * 3);
});

test("routers refuse if each that was there in the last day has just reported that it does", () => {
  const { reports } = makeReports();
  assert.ok(!reports.areRefusing(0), "there is none");
  reports.receive(report(1, 0), 0);
  assert.ok(reports.areRefusing(20_000));
  assert.ok(!reports.areRefusing(40_000), "it is silent");
  reports.receive(report(1, 0), 50_000);
  reports.receive(report(2, 0, true), 50_000);
  assert.ok(!reports.areRefusing(50_000), "one of them only counts");
  // The follower of that router starts again, and refuses.
  reports.receive({ ...report(3, 0), router: "r2" }, 60_000);
  assert.ok(reports.areRefusing(60_000));
  reports.receive(report(1, 0), 90_000_000);
  assert.ok(reports.areRefusing(90_000_000), "the other one is long gone");
});

test("followers that come and go take no more memory, and their counts stay", () => {
  const { reports } = makeReports();
  for (let follower = 0; follower < 1000; follower++) reports.receive(report(follower, 1), follower);
  assert.equal(reports.totals().refusing.seenHandshakeIn, 1000);
  assert.equal(reports.routers(1000).length, 100);
  assert.ok(reports.routers(1000).every(({ isStale }) => !isStale));
  assert.ok(reports.routers(200_000).every(({ isStale }) => isStale));
  assert.deepEqual(reports.routers(90_000_000), []);
});

test("a router whose follower was restarted is shown once, as it is now", () => {
  const { reports } = makeReports();
  const runs = [1, 2].map((follower) => ({ ...report(follower, 1), router: "edge" }));
  reports.receive({ ...runs[0], version: 5, countOnly: true }, 0);
  reports.receive({ ...report(3, 1), router: "other" }, 0);
  reports.receive({ ...runs[1], version: 6 }, 300_000);
  assert.deepEqual(
    reports
      .routers(300_000)
      .map(({ router, version, countOnly, isStale }) => [router, version, countOnly, isStale]),
    [
      ["edge", 6, false, false],
      ["other", 1, false, true],
    ],
  );
});

test("two routers with one host name are two, told apart by their machines", () => {
  const { reports } = makeReports();
  const machines = ["a", "b"].map((digit) => digit.repeat(16));
  for (const [i, machine] of machines.entries())
    reports.receive({ ...report(i + 1, 0, i === 0), router: "edge", machine }, 1000);
  assert.deepEqual(
    reports.routers(1000).map(({ router }) => router),
    machines.map((machine) => `edge (${machine})`),
  );
  assert.ok(!reports.areRefusing(1000), "one of them only counts");
  // Its follower starts again, and refuses.
  reports.receive({ ...report(3, 0), router: "edge", machine: machines[0] }, 2000);
  assert.ok(reports.areRefusing(2000));
  assert.equal(reports.routers(2000).length, 2);
});
