import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunResult } from "./run.ts";
import { type GateTargets, homesOf, type Scenario } from "./scenario.ts";
import { judge, judgeCluster, judgeGate, summarize } from "./summary.ts";

const SCENARIO: Scenario = { name: "some", about: "", megabytes: 1, networks: [] };

function runResult(what: Partial<RunResult> & { copies?: number[] }): RunResult {
  const { copies = [2], ...others } = what;
  return {
    scenario: "some",
    tracker: "opentracker",
    repetition: 1,
    homes: copies.map((copiesIn) => ({ networks: [], copiesIn, copiesOut: 0, copiesPushed: 0 })),
    seconds: [10, 20, 40],
    strangersMedian: null,
    unfinished: 0,
    announces: 0,
    load: 0.5,
    ...others,
  };
}

function verdicts(bridged: Parameters<typeof runResult>[0], scenario = SCENARIO): string[] {
  const [baseline, summary] = summarize([
    runResult({ copies: [4] }),
    runResult({ copies: [4.5], seconds: [12, 22, 44] }),
    runResult({ copies: [3.5], seconds: [8, 18, 36] }),
    runResult({ ...bridged, tracker: "bridged" }),
  ]);
  return judge(scenario, summary, baseline).map(({ verdict }) => verdict);
}

test("a summary is the median of the runs, of the mean over the homes", () => {
  const [summary] = summarize([
    runResult({ copies: [1, 3], unfinished: 1, load: 0.9 }),
    runResult({ copies: [3, 5], seconds: [1, 2, 3], unfinished: 1 }),
    runResult({ copies: [9, 9], strangersMedian: 7 }),
  ]);
  assert.deepEqual(summary.copiesIn, { median: 4, min: 2, max: 9 });
  assert.deepEqual(summary.median, { median: 20, min: 2, max: 20 });
  assert.deepEqual(summary.slowest, { median: 40, min: 3, max: 40 });
  assert.deepEqual(summary.strangersMedian, { median: 7, min: 7, max: 7 });
  assert.deepEqual([summary.runs, summary.unfinished, summary.load], [3, 2, 0.9]);
});

test("trackers are summarized apart, and a scenario without a home has no copies", () => {
  const summaries = summarize([runResult({ copies: [] }), runResult({ copies: [], tracker: "nearest" })]);
  assert.deepEqual(
    summaries.map(({ tracker, copiesIn }) => [tracker, copiesIn]),
    [
      ["opentracker", null],
      ["nearest", null],
    ],
  );
});

test("targets are held against opentracker's medians", () => {
  assert.deepEqual(verdicts({ copies: [2.4], seconds: [5, 20, 42] }), ["met", "met", "met", "met"]);
  assert.deepEqual(verdicts({ copies: [2.8], seconds: [5, 23, 50], unfinished: 1 }), Array(4).fill("missed"));
  assert.deepEqual(verdicts({ copies: [2.5], seconds: [5, 21, 43] }), ["spread", "spread", "spread", "met"]);
});

test("where a home has next to no more than one copy, nothing is left to be saved", () => {
  const [baseline, summary] = summarize([
    runResult({ copies: [1.05] }),
    runResult({ copies: [1.08], tracker: "bridged" }),
  ]);
  assert.equal(judge(SCENARIO, summary, baseline)[0].verdict, "met");
});

test("a scenario may ask for more", () => {
  const scenario = { ...SCENARIO, copies: { share: 0.5, most: 1.5 } };
  assert.deepEqual(verdicts({ copies: [2.4] }, scenario).slice(0, 2), ["missed", "missed"]);
  assert.deepEqual(verdicts({ copies: [1.4] }, scenario).slice(0, 2), ["met", "met"]);
});

test("homes are drawn as selection.home says", () => {
  const networks = [
    { name: "a", priority: 0, crews: [] },
    { name: "b", priority: 1, crews: [] },
    { name: "c", priority: 1, crews: [] },
    { name: "outside", crews: [] },
  ];
  const homes = (home: string) => homesOf({ ...SCENARIO, networks, btrt: { selection: { home } } });
  assert.deepEqual(homesOf({ ...SCENARIO, networks }), [["a", "b", "c"]]);
  assert.deepEqual(homes("tier"), [["a"], ["b", "c"]]);
  assert.deepEqual(homes("group"), [["a"], ["b"], ["c"]]);
});

test("the gate's targets are compared with bridged without a gate", () => {
  const strict = { copies: 1.15, median: 0.75, slowest: 0.9 };
  const targets: GateTargets = { ...strict, share: 0.6 };
  const gateVerdicts = (gated: Parameters<typeof runResult>[0], wanted = targets) => {
    const [without, summary] = summarize([
      runResult({ tracker: "bridged", copies: [2], secondTorrent: [10, 20] }),
      runResult({ ...gated, tracker: "bridged-gate" }),
    ]);
    return judgeGate(wanted, summary, without).map(({ verdict }) => verdict);
  };
  const good = { copies: [1.2], seconds: [10, 15, 36], secondTorrent: [10, 21] };
  assert.deepEqual(gateVerdicts(good), Array(6).fill("met"));
  const bad = { copies: [1.21], seconds: [10, 16, 37], secondTorrent: [12, 22], unfinished: 1 };
  assert.deepEqual(gateVerdicts(bad), Array(6).fill("missed"));
  assert.equal(gateVerdicts(good, strict)[0], "missed");
  assert.equal(gateVerdicts({ ...good, copies: [1.15] }, strict)[0], "met");
});

test("copies with two nodes are compared with those of one", () => {
  const clusterVerdicts = (cluster: Parameters<typeof runResult>[0]) => {
    const [single, summary] = summarize([
      runResult({ tracker: "bridged", copies: [2] }),
      runResult({ ...cluster, tracker: "bridged-cluster" }),
    ]);
    return judgeCluster(summary, single).map(({ verdict }) => verdict);
  };
  assert.deepEqual(clusterVerdicts({ copies: [2.2] }), ["met", "met"]);
  assert.deepEqual(clusterVerdicts({ copies: [2.3], unfinished: 1 }), ["missed", "missed"]);
});
