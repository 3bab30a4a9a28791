import assert from "node:assert/strict";
import { test } from "node:test";
import { GATE_COUNTERS, type GateCounts } from "../report.ts";
import { CounterTotals } from "./counter-totals.ts";

function counts(some: Partial<GateCounts>): GateCounts {
  return { ...(Object.fromEntries(GATE_COUNTERS.map((name) => [name, 0])) as GateCounts), ...some };
}

test("counters become totals since the start, also when the table is loaded again", () => {
  const counters = new CounterTotals();
  counters.update(counts({ exempted: 100 }));
  assert.deepEqual(counters.totals, counts({}), "what was counted before is another's");
  counters.update(counts({ exempted: 103, seenFarOut: 2 }));
  counters.update(counts({ exempted: 103, seenFarOut: 2 }));
  assert.deepEqual(counters.totals, counts({ exempted: 3, seenFarOut: 2 }));
  counters.update(counts({ exempted: 1 }));
  assert.deepEqual(counters.totals, counts({ exempted: 4, seenFarOut: 2 }), "they began anew");
});
