import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMetrics } from "./exposition.ts";

test("metrics are written as Prometheus reads them", () => {
  const text = formatMetrics([
    { name: "a_total", help: 'back\\slash\nand "quotes"', type: "counter", samples: [{ value: 1.5 }] },
    {
      name: "b",
      help: "B.",
      type: "gauge",
      samples: [
        { labels: { group: 'he said "hi"\\\n', tier: 1 }, value: Number.POSITIVE_INFINITY },
        { labels: {}, value: Number.NaN },
      ],
    },
    {
      name: "c_seconds",
      help: "C.",
      type: "histogram",
      samples: [{ labels: { kind: "x" }, bounds: [0.001, 1], buckets: [2, 0, 3], sum: 7.25 }],
    },
  ]);
  assert.equal(
    text,
    `# HELP a_total back\\\\slash\\nand "quotes"
# TYPE a_total counter
a_total 1.5
# HELP b B.
# TYPE b gauge
b{group="he said \\"hi\\"\\\\\\n",tier="1"} +Inf
b NaN
# HELP c_seconds C.
# TYPE c_seconds histogram
c_seconds_bucket{kind="x",le="0.001"} 2
c_seconds_bucket{kind="x",le="1"} 2
c_seconds_bucket{kind="x",le="+Inf"} 5
c_seconds_sum{kind="x"} 7.25
c_seconds_count{kind="x"} 5
`,
  );
});
