/** The simulator's results as Markdown. The same arguments, the same text to the byte. */
import type { RunResult } from "../run.ts";
import { SCENARIOS } from "../scenarios.ts";
import { mean, median } from "../statistics.ts";
import { project, SIZES, type SizeResult, simulateSize } from "./experiment.ts";
import { planOfScenario, trackerOfScenario } from "./lab-scenarios.ts";
import type { DayOptions } from "./population.ts";
import {
  DEFAULT_SELECTION,
  DEFAULT_SETTINGS,
  POLICIES,
  type PolicyName,
  type TrackerPlan,
  type TriedSelection,
} from "./simulated-tracker.ts";
import { simulate } from "./swarm.ts";

/** What is simulated. */
export interface ReportOptions extends DayOptions {
  readonly seed: number;
  /** Multiplies the number of swarms. */
  readonly effort: number;
  /** Settings of `bridged` that differ from the defaults. */
  readonly selection: Partial<TriedSelection>;
}

const SUBSCRIBERS = [10_000, 100_000, 1_000_000, 10_000_000] as const;
/** Sizes at which settings are tried. */
const TRIED_SIZES = [4, 16, 64] as const;
/** Settings that are tried, one at a time. */
const TRIED: readonly Partial<TriedSelection>[] = [
  {},
  ...[1, 3, 4, 8].map((bridges) => ({ bridges })),
  ...[0, 1, 6].map((homePeersEnough) => ({ homePeersEnough })),
  ...[1, 3, 4, 8].map((homeSeedsEnough) => ({ homeSeedsEnough })),
  ...[120, 300, 1200].map((stallSeconds) => ({ stallSeconds })),
];
/** As in the lab. */
const REPETITIONS = 3;

/** Every policy at every size, and what follows for operators. */
export function reportPolicies(options: ReportOptions): string {
  const results = new Map(POLICIES.map((policy) => [policy, resultsOf(policy, SIZES, options)]));
  const rows = SIZES.flatMap((size, i) =>
    POLICIES.map((policy) => {
      const result = results.get(policy)![i];
      const base = results.get("random")![i];
      return [
        String(size),
        String(result.fetched),
        policy,
        result.copies.toFixed(2),
        times(result.copies, base.copies),
        percent(result.share),
        result.copiesOut.toFixed(2),
        ...completion(result, base),
        String(result.unfinished),
        result.announces.toFixed(2),
      ];
    }),
  );
  const projected = SUBSCRIBERS.flatMap((subscribers) =>
    POLICIES.map((policy) => {
      const { torrents, downloads, downloadedTerabytes, enteredTerabytes, share } = project(
        subscribers,
        results.get(policy)!,
      );
      return [
        String(subscribers),
        String(torrents),
        downloads.toFixed(0),
        downloadedTerabytes.toFixed(1),
        policy,
        enteredTerabytes.toFixed(1),
        percent(share),
      ];
    }),
  );
  const headings = [
    "downloads a day",
    "swarms",
    "policy",
    "copies in",
    "×",
    "external",
    "copies out",
    ...COMPLETION,
  ];
  return [
    ...table([...headings, "unfinished", "announces/h"], rows),
    "",
    ...table(
      ["subscribers", "torrents", "downloads", "TB", "policy", "TB from outside", "external"],
      projected,
    ),
    "",
  ].join("\n");
}

/** `bridged` with one setting after the other changed. */
export function reportSettings(options: ReportOptions): string {
  const base = resultsOf("random", TRIED_SIZES, options);
  const rows = TRIED.flatMap((tried) => {
    const selection = { ...options.selection, ...tried };
    const name = Object.entries(tried).map(([key, value]) => `${key} ${value}`);
    return resultsOf("bridged", TRIED_SIZES, { ...options, selection }).map((result, i) => [
      name[0] ?? "as it is",
      String(result.size),
      result.copies.toFixed(2),
      times(result.copies, base[i].copies),
      percent(result.share),
      result.copiesOut.toFixed(2),
      ...completion(result, base[i]),
      result.announces.toFixed(2),
    ]);
  });
  const headings = [
    "setting",
    "downloads a day",
    "copies in",
    "× random",
    "external",
    "copies out",
    ...COMPLETION,
  ];
  return [...table([...headings, "announces/h"], rows), ""].join("\n");
}

/**
 * The lab's scenarios, simulated.
 * @param runs of the lab, to be shown beside; may be none.
 */
export function reportScenarios(options: ReportOptions, runs: readonly RunResult[]): string {
  const rows = SCENARIOS.flatMap((scenario) =>
    POLICIES.map((policy) => {
      const results = Array.from({ length: REPETITIONS }, (_, i) => {
        const tracker = trackerOfScenario(scenario, policy, options.selection);
        return simulate(planOfScenario(scenario, i + 1), tracker, options.seed + i);
      });
      const measured = runs.filter(
        (run) =>
          run.scenario === scenario.name && run.tracker === (policy === "random" ? "opentracker" : policy),
      );
      return [
        scenario.name,
        policy,
        number(results.map(({ homes, fileBytes }) => mean(homes.map(({ entered }) => entered / fileBytes)))),
        number(measured.map(({ homes }) => mean(homes.map(({ copiesIn }) => copiesIn)))),
        number(results.map(({ seconds }) => median(seconds))),
        number(measured.map(({ seconds }) => median(seconds))),
        number(results.map(({ seconds }) => Math.max(...seconds))),
        number(measured.map(({ seconds }) => Math.max(...seconds))),
        number(results.map(({ unfinished }) => unfinished)),
        number(measured.map(({ unfinished }) => unfinished)),
      ];
    }),
  );
  const headings = ["copies in", "median s", "slowest s", "unfinished"].flatMap((each) => [each, "lab"]);
  return [...table(["scenario", "policy", ...headings], rows), ""].join("\n");
}

function resultsOf(policy: PolicyName, sizes: readonly number[], options: ReportOptions): SizeResult[] {
  const selection = { ...DEFAULT_SELECTION, ...options.selection };
  const tracker: TrackerPlan = { policy, selection, settings: DEFAULT_SETTINGS };
  const { seed, effort } = options;
  return sizes.map((size) => simulateSize(size, tracker, seed, effort, options));
}

const COMPLETION = ["median s/GB", "×", "99 % s/GB", "×"];

function completion(result: SizeResult, base: SizeResult): string[] {
  const { median: middle, slowest99 } = result;
  return [
    middle.toFixed(0),
    times(middle, base.median),
    slowest99.toFixed(0),
    times(slowest99, base.slowest99),
  ];
}

function times(value: number, base: number): string {
  return (value / base).toFixed(2);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** The median, where there is one. */
function number(values: readonly number[]): string {
  const middle = median(values);
  if (Number.isNaN(middle)) return "–";
  return Number.isFinite(middle) ? middle.toFixed(2) : "∞";
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(headings), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)];
}
