/** The lab's results as Markdown. */
import type { RunResult } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import type { Spread } from "./statistics.ts";
import { type Judgement, judge, judgeCluster, judgeGate, type Summary, summarize } from "./summary.ts";
import { TRACKERS } from "./trackers.ts";

/** The tracker to which the targets apply, and the one to which the targets of the gate apply. */
const JUDGED = "bridged";
const GATED = "bridged-gate";
const CLUSTER = "bridged-cluster";
const MARKS = { met: "✓", spread: "≈", missed: "✗" } as const;

/** Above this share of the machine's processors, the processors may have limited the speed, not the links. */
const HIGH_LOAD = 0.9;

/** A scenario's table, and whether its targets are met. Empty without runs. */
export function reportScenario(scenario: Scenario, runs: readonly RunResult[]): string {
  const summaries = summarize(runs);
  if (summaries.length === 0) return "";
  const baseline = summaries.find(({ tracker }) => tracker === TRACKERS[0]);
  const lines = [`### ${scenario.name}`, "", `${scenario.about}. ${scenario.megabytes} MB.`, ""];
  lines.push(
    ...table(
      HEADINGS,
      summaries.map((summary) => row(summary, baseline)),
    ),
  );
  const judged = summaries.find(({ tracker }) => tracker === JUDGED);
  const gated = summaries.find(({ tracker }) => tracker === GATED);
  if (judged !== undefined && baseline !== undefined && scenario.gate === undefined) {
    lines.push(
      "",
      `${JUDGED}: ${formatJudgements(judge(scenario, judged, baseline))}${scenario.reportOnly ? " (for information)" : ""}`,
    );
  }
  if (scenario.gate !== undefined && judged !== undefined && gated !== undefined)
    lines.push("", `${GATED}: ${formatJudgements(judgeGate(scenario.gate, gated, judged))}`);
  const cluster = summaries.find(({ tracker }) => tracker === CLUSTER);
  if (cluster !== undefined && judged !== undefined)
    lines.push("", `${CLUSTER}, to ${JUDGED}: ${formatJudgements(judgeCluster(cluster, judged))}`);
  const load = Math.max(...summaries.map((summary) => summary.load));
  if (load > HIGH_LOAD) {
    lines.push(
      "",
      `Processors were ${(100 * load).toFixed(0)} % in use: times may say more about the machine.`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** All targets of all scenarios in one table, a line for each scenario. */
export function reportTargets(scenarios: readonly Scenario[], runs: readonly RunResult[]): string {
  const rows: string[][] = [];
  for (const scenario of scenarios) {
    const summaries = summarize(runs.filter((run) => run.scenario === scenario.name));
    const baseline = summaries.find(({ tracker }) => tracker === TRACKERS[0]);
    const judged = summaries.find(({ tracker }) => tracker === JUDGED);
    if (baseline === undefined || judged === undefined || scenario.gate !== undefined) continue;
    const { copiesIn, median, slowest } = judged;
    rows.push([
      scenario.name,
      copiesIn === null ? "–" : copiesIn.median.toFixed(2),
      ratio(copiesIn, baseline.copiesIn),
      ratio(median, baseline.median),
      ratio(slowest, baseline.slowest),
      scenario.reportOnly ? "for information" : formatJudgements(judge(scenario, judged, baseline)),
    ]);
  }
  if (rows.length === 0) return "";
  return `${table(["scenario", "copies a home", "× opentracker", "median ×", "slowest ×", "targets"], rows).join("\n")}\n`;
}

/** The targets of the gate, a line for each scenario. */
export function reportGateTargets(scenarios: readonly Scenario[], runs: readonly RunResult[]): string {
  const rows: string[][] = [];
  for (const { name, gate } of scenarios) {
    const summaries = summarize(runs.filter((run) => run.scenario === name));
    const without = summaries.find(({ tracker }) => tracker === JUDGED);
    const gated = summaries.find(({ tracker }) => tracker === GATED);
    if (gate === undefined || without === undefined || gated === undefined) continue;
    rows.push([
      name,
      format(without.copiesIn, 2),
      format(gated.copiesIn, 2),
      ratio(gated.median, without.median),
      ratio(gated.slowest, without.slowest),
      ratio(gated.secondMedian, without.secondMedian),
      formatJudgements(judgeGate(gate, gated, without)),
    ]);
  }
  if (rows.length === 0) return "";
  const headings = ["scenario", "copies: bridged", "with the gate", "median ×", "slowest ×"];
  return `${table([...headings, "second torrent ×", "targets"], rows).join("\n")}\n`;
}

const HEADINGS = [
  "tracker",
  "copies in",
  "×",
  "copies out",
  "opened from outside",
  "median s",
  "×",
  "slowest s",
  "×",
  "strangers s",
  "second s",
  "unfinished",
  "announces",
];

function row(summary: Summary, baseline: Summary | undefined): string[] {
  return [
    summary.tracker,
    format(summary.copiesIn, 2),
    ratio(summary.copiesIn, baseline?.copiesIn),
    format(summary.copiesOut, 2),
    format(summary.copiesPushed, 2),
    format(summary.median, 1),
    ratio(summary.median, baseline?.median),
    format(summary.slowest, 1),
    ratio(summary.slowest, baseline?.slowest),
    format(summary.strangersMedian, 1),
    format(summary.secondMedian, 1),
    String(summary.unfinished),
    summary.announces.toFixed(0),
  ];
}

/** The median and, where there are several values, the extremes. */
function format(value: Spread | null, digits: number): string {
  if (value === null) return "–";
  const [middle, min, max] = [value.median, value.min, value.max].map((each) => each.toFixed(digits));
  return min === max ? middle : `${middle} (${min}–${max})`;
}

function ratio(value: Spread | null, baseline: Spread | null | undefined): string {
  if (value === null || baseline === null || baseline === undefined) return "–";
  return (value.median / baseline.median).toFixed(2);
}

function formatJudgements(judgements: readonly Judgement[]): string {
  return judgements.map(({ what, verdict }) => `${MARKS[verdict]} ${what}`).join(" · ");
}

/** A Markdown table whose columns are aligned in plain text, too. */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, i) =>
    Math.max(...[heading, ...rows.map((row) => row[i])].map(width)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell + " ".repeat(widths[i] - width(cell))).join(" | ")} |`;
  return [line(headings), line(widths.map((each) => "-".repeat(each))), ...rows.map(line)];
}

function width(text: string): number {
  return [...text].length;
}
