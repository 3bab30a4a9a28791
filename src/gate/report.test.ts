import assert from "node:assert/strict";
import { test } from "node:test";
import { GATE_COUNTERS, type GateCounts, type GateReport, gateReportSchema } from "./report.ts";

const counters = Object.fromEntries(GATE_COUNTERS.map((name, i) => [name, i])) as GateCounts;
const REPORT: GateReport = {
  follower: "0123456789abcdef",
  router: "r1.example",
  version: 7,
  countOnly: false,
  counters,
};

test("a report is read", () => {
  assert.deepEqual(gateReportSchema.parse(JSON.parse(JSON.stringify(REPORT))), REPORT);
});

test("what is no report is refused", () => {
  const { exempted: _, ...missing } = counters;
  const bad = [{ follower: "x" }, { router: "" }, { version: -1 }, { counters: missing }];
  for (const part of [...bad, { counters: { ...counters, exempted: 1.5 } }, { router: "r".repeat(201) }])
    assert.equal(gateReportSchema.safeParse({ ...REPORT, ...part }).success, false, JSON.stringify(part));
});
