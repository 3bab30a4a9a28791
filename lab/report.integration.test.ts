import assert from "node:assert/strict";
import { test } from "node:test";
import { plot } from "./plot.ts";
import { reportScenario, reportTargets } from "./report.ts";
import type { RunResult } from "./run.ts";
import { clientCount, type Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { TRACKERS, type TrackerName } from "./trackers.ts";

const SCENARIO: Scenario = { name: "some", about: "Something", megabytes: 16, networks: [] };

function runResult(tracker: TrackerName, copiesIn: number, seconds: number[]): RunResult {
  const homes = [{ networks: ["home"], copiesIn, copiesOut: 1, copiesPushed: 0.5 }];
  const others = { strangersMedian: null, unfinished: 0, announces: 7, load: 0.5 };
  return { scenario: "some", tracker, repetition: 1, homes, seconds, ...others };
}

const RUNS = [
  runResult("opentracker", 4, [10, 20]),
  runResult("opentracker", 5, [10, 20]),
  runResult("bridged", 1.35, [12, 14]),
];

test("a scenario's table has a line for each tracker, with ratios against opentracker", () => {
  const lines = reportScenario(SCENARIO, RUNS).split("\n");
  assert.equal(lines[0], "### some");
  assert.equal(lines[2], "Something. 16 MB.");
  const cells = lines
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  assert.deepEqual(cells[2].slice(1, 6), ["opentracker", "4.50 (4.00–5.00)", "1.00", "1.00", "0.50"]);
  assert.deepEqual(cells[3].slice(1, 4), ["bridged", "1.35", "0.30"]);
  assert.deepEqual(cells[3].slice(6, 10), ["13.0", "0.87", "14.0", "0.70"]);
  assert.ok(lines.some((line) => line.startsWith("bridged: ✓ copies ≤ 0.6× · ✓ median")));
});

test("all lines of a table are equally wide", () => {
  const widths = reportScenario(SCENARIO, RUNS)
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => [...line].length);
  assert.equal(new Set(widths).size, 1);
});

test("a busy machine is mentioned, and what was not run is not", () => {
  assert.match(reportScenario(SCENARIO, [{ ...RUNS[0], load: 0.97 }]), /97 % in use/);
  assert.doesNotMatch(reportScenario(SCENARIO, RUNS), /in use/);
  assert.equal(reportScenario(SCENARIO, []), "");
  assert.equal(reportTargets([SCENARIO], [RUNS[0]]), "");
});

test("the table of targets has a line for each scenario that both trackers ran", () => {
  const lines = reportTargets([SCENARIO, { ...SCENARIO, name: "other" }], RUNS)
    .trimEnd()
    .split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[2], /^\| some +\| 1\.35 +\| 0\.30 /);
});

test("the picture has a bar for each number, as long as its share of opentracker's", () => {
  const svg = plot(["some", "not run"], RUNS);
  const bars = [...svg.matchAll(/<rect x="\d+" y="\d+" width="([\d.]+)" height="9" fill="(#\w+)"/g)];
  assert.equal(bars.length, 4);
  const [copies, bridged] = bars.map(([, width]) => Number(width));
  assert.ok(Math.abs(bridged / copies - 0.3) < 0.01, `${bridged} of ${copies}`);
  assert.match(svg, />some</);
  assert.doesNotMatch(svg, /not run|NaN|undefined/);
});

test("scenarios make sense", () => {
  const names = SCENARIOS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, networks, megabytes, clients, gate, second } of SCENARIOS) {
    const crews = networks.flatMap(({ crews }) => crews);
    assert.ok(
      crews.some(({ seed }) => seed),
      `${name}: somebody has the file`,
    );
    assert.ok(
      crews.some(({ seed }) => !seed),
      `${name}: somebody wants it`,
    );
    assert.ok(megabytes > 0 && megabytes <= 32, `${name}: ${megabytes} MB`);
    for (const network of networks) {
      assert.match(network.name, /^[a-z0-9]{1,12}$/, "fits into the name of an interface");
      assert.ok(clientCount(network) <= 250, "each client has an address of a /24");
    }
    const needsPublic = second?.known === "unknown" || networks.some(({ publicOnly }) => publicOnly);
    assert.ok(clients?.publicTracker || !needsPublic, `${name}: there is no public tracker`);
    const isHome = networks.some(({ priority }) => priority !== undefined);
    assert.ok(isHome || gate === undefined, `${name}: there is nothing to gate`);
    for (const { kind, seed, killAt, leaveAt } of crews) {
      assert.ok(kind === undefined || second === undefined, `${name}: ${kind} has one torrent only`);
      if (kind)
        assert.ok(!seed && killAt === undefined && leaveAt === undefined, `${name}: ${kind} cannot do that`);
    }
  }
  assert.equal(TRACKERS[0], "opentracker");
});
