import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { allocateCounters } from "../model/counters.ts";
import { gauge } from "./exposition.ts";
import type { Panel, Warning } from "./panel.ts";
import { readTotals } from "./readings.ts";
import { readMetrics, readStatus } from "./status.ts";

const TOTALS = readTotals({ counters: [allocateCounters()], activity: [] });

function panelOf(name: string, value: number, ...warnings: Warning[]): Panel {
  return {
    schema: z.object({ [name]: z.number() }),
    read: () => ({ [name]: value }),
    metrics: (reading) => [gauge(name, "", { value: Number(reading[name]) })],
    warnings: () => warnings,
  };
}

test("the status has the fields of all panels, and their warnings, the urgent ones first and notices last", () => {
  const panels = [
    panelOf("a", 1, { isUrgent: false, text: "later" }, { isUrgent: true, text: "first" }),
    panelOf("b", 2, { isUrgent: true, text: "second" }),
  ];
  assert.deepEqual(readStatus(panels, TOTALS, ["notice"]), {
    a: 1,
    b: 2,
    warnings: ["first", "second", "later", "notice"],
  });
});

test("the metrics are those of all panels, made of what each reads", () => {
  const metrics = readMetrics([panelOf("a", 1), panelOf("b", 2)], TOTALS);
  assert.deepEqual(
    metrics.map(({ name, samples }) => [name, samples]),
    [
      ["a", [{ value: 1 }]],
      ["b", [{ value: 2 }]],
    ],
  );
});
