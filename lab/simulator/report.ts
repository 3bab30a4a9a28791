/** The simulator's results as Markdown. The same arguments give the same text. */
import type { RunResult } from "../run.ts";
import { SCENARIOS } from "../scenarios.ts";
import { mean, median } from "../statistics.ts";
import {
  type Experiment,
  leastShare,
  medianSlowdown,
  project,
  SIZES,
  type SizeResult,
  type SizeRuns,
  simulateSize,
  summarize,
} from "./experiment.ts";
import { planOfScenario, trackerOfScenario } from "./lab-scenarios.ts";
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
export interface ReportOptions extends Experiment {
  /** Downloads a day of the torrents; {@link SIZES} by default. */
  readonly sizes?: readonly number[];
  /** Settings of `bridged` that differ from the defaults. */
  readonly selection: Partial<TriedSelection>;
  /** Whether `bridged-gate` is simulated, too. */
  readonly gate?: boolean;
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
  ...[1.05, 1.2, 1.5, 2].map((patience) => ({ patience })),
];
/** As in the lab. */
const REPETITIONS = 3;

/** How many times as long as with random answers a client may take, in the bound that policies are compared with. */
const PATIENCE = [1, 1.1] as const;

/** The results of one size. */
interface Comparison {
  readonly results: ReadonlyMap<PolicyName, SizeResult>;
  readonly slowdowns: ReadonlyMap<PolicyName, number>;
  /** For each {@link PATIENCE}: the least share that must enter. */
  readonly least: readonly number[];
}

/** Every policy at every size, beside the least that must enter; and what follows for operators. */
export function reportPolicies(options: ReportOptions): string {
  const { sizes = SIZES } = options;
  const sizeResults = sizes.map((size) => comparePolicies(size, options));
  const headings = ["downloads a day", "swarms", "policy", "copies in", "×", "external", "least"];
  headings.push(...PATIENCE.slice(1).map((each) => `least, ${each} × time`));
  headings.push(...PATIENCE.map((each) => `of the possible saving, ${each} × time`), "copies out");
  headings.push(...COMPLETION, "each ×", "unfinished", "announces/h");
  return [
    ...table(
      headings,
      sizeResults.flatMap((each) => policiesOf(options).map((policy) => policyRow(each, policy))),
    ),
    "",
    ...table(
      ["subscribers", "torrents", "downloads", "TB", "policy", "TB from outside", "external"],
      SUBSCRIBERS.flatMap((subscribers) => projectionRows(subscribers, sizeResults)),
    ),
    "",
  ].join("\n");
}

function policiesOf({ gate = false }: ReportOptions): readonly PolicyName[] {
  return gate ? POLICIES : POLICIES.filter((policy) => policy !== "bridged-gate");
}

function comparePolicies(size: number, options: ReportOptions): Comparison {
  const base = runsOf("random", size, options);
  const results = new Map([["random" as PolicyName, summarize(base)]]);
  const slowdowns = new Map([["random" as PolicyName, 1]]);
  for (const policy of policiesOf(options).filter((each) => each !== "random")) {
    const runs = runsOf(policy, size, options);
    results.set(policy, summarize(runs));
    slowdowns.set(policy, medianSlowdown(runs, base));
  }
  return { results, slowdowns, least: PATIENCE.map((patience) => leastShare(base, patience)) };
}

function policyRow({ results, slowdowns, least }: Comparison, policy: PolicyName): string[] {
  const result = results.get(policy)!;
  const base = results.get("random")!;
  return [
    String(result.size),
    String(result.fetched),
    policy,
    result.copies.toFixed(2),
    times(result.copies, base.copies),
    percent(result.share),
    ...least.map(percent),
    ...least.map((bound) => ((base.share - result.share) / (base.share - bound)).toFixed(2)),
    result.copiesOut.toFixed(2),
    ...completion(result, base),
    slowdowns.get(policy)!.toFixed(2),
    String(result.unfinished),
    result.announces.toFixed(2),
  ];
}

function projectionRows(subscribers: number, sizes: readonly Comparison[]): string[][] {
  const row = (name: string, shares: readonly Pick<SizeResult, "size" | "share">[]) => {
    const { torrents, downloads, downloadedTerabytes, enteredTerabytes, share } = project(
      subscribers,
      shares,
    );
    return [
      String(subscribers),
      String(torrents),
      downloads.toFixed(0),
      downloadedTerabytes.toFixed(1),
      name,
      enteredTerabytes.toFixed(1),
      percent(share),
    ];
  };
  const sharesOf = (policy: PolicyName) => sizes.map(({ results }) => results.get(policy)!);
  const leastOf = (i: number) =>
    sizes.map(({ results, least }) => ({ size: results.get("random")!.size, share: least[i] }));
  return [
    ...[...sizes[0].results.keys()].map((policy) => row(policy, sharesOf(policy))),
    ...PATIENCE.map((patience, i) => row(`least, ${patience} × time`, leastOf(i))),
  ];
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
    policiesOf(options).map((policy) => {
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
  return sizes.map((size) => summarize(runsOf(policy, size, options)));
}

function runsOf(policy: PolicyName, size: number, options: ReportOptions): SizeRuns {
  const selection = { ...DEFAULT_SELECTION, ...options.selection };
  const tracker: TrackerPlan = { policy, selection, settings: DEFAULT_SETTINGS };
  return simulateSize(size, tracker, options);
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
