/** Summarizes several runs of a scenario with one tracker, and compares them. */
import type { RunResult } from "./run.ts";
import type { GateTargets, Scenario } from "./scenario.ts";
import { mean, median, type Spread, spread } from "./statistics.ts";
import { TRACKERS, type TrackerName } from "./trackers.ts";

/** With so few copies per home, nothing is left to save: one has to enter, and some bytes enter twice. */
const LEAST_COPIES = 1.1;
/** The targets relative to opentracker, unless the scenario has others. */
const TARGETS = { copies: 0.6, median: 1, slowest: 1.05 } as const;

/** How many more copies may enter a home whose clients announce to two nodes of a cluster. */
const CLUSTER_COPIES = 1.1;

/** How much later a torrent that is not gated may be complete with a gate. */
const SECOND_TORRENT = 1.05;

/** Runs of one scenario with one tracker. Copies are means over the homes, seconds those of clients at home. */
export interface Summary {
  readonly tracker: TrackerName;
  readonly runs: number;
  /** Null where the scenario has no home. */
  readonly copiesIn: Spread | null;
  readonly copiesOut: Spread | null;
  /** The part of `copiesIn` over connections opened from outside. */
  readonly copiesPushed: Spread | null;
  readonly median: Spread;
  readonly slowest: Spread;
  readonly strangersMedian: Spread | null;
  /** Of the second torrent, if the scenario has one. */
  readonly secondMedian: Spread | null;
  readonly secondSlowest: Spread | null;
  /** Of all runs together. */
  readonly unfinished: number;
  readonly announces: number;
  /** Highest of all runs. */
  readonly load: number;
}

/** Whether a target is met; `spread` if it is missed by less than the variation of opentracker's own runs. */
type Verdict = "met" | "spread" | "missed";

/** One of the targets. */
export interface Judgement {
  readonly what: string;
  readonly verdict: Verdict;
}

/** Summaries of a scenario's runs, one for each tracker, in the order of {@link TRACKERS}. */
export function summarize(runs: readonly RunResult[]): Summary[] {
  const byTracker = Map.groupBy(runs, ({ tracker }) => tracker);
  return TRACKERS.flatMap((tracker) => {
    const its = byTracker.get(tracker);
    if (its === undefined) return [];
    const copies = (of: "copiesIn" | "copiesOut" | "copiesPushed") =>
      its[0].homes.length === 0 ? null : spread(its.map(({ homes }) => mean(homes.map((home) => home[of]))));
    const strangers = its.map(({ strangersMedian }) => strangersMedian).filter((each) => each !== null);
    const second = its.flatMap(({ secondTorrent }) => (secondTorrent === undefined ? [] : [secondTorrent]));
    return {
      tracker,
      runs: its.length,
      copiesIn: copies("copiesIn"),
      copiesOut: copies("copiesOut"),
      copiesPushed: copies("copiesPushed"),
      median: spread(its.map(({ seconds }) => median(seconds))),
      slowest: spread(its.map(({ seconds }) => seconds.at(-1) ?? Number.NaN)),
      strangersMedian: strangers.length === 0 ? null : spread(strangers),
      secondMedian: second.length === 0 ? null : spread(second.map(median)),
      secondSlowest: second.length === 0 ? null : spread(second.map((seconds) => Math.max(...seconds))),
      unfinished: its.reduce((sum, { unfinished }) => sum + unfinished, 0),
      announces: median(its.map(({ announces }) => announces)),
      load: Math.max(...its.map(({ load }) => load)),
    };
  });
}

/** Compares a tracker's summary with the targets. @param baseline opentracker's. */
export function judge(scenario: Scenario, summary: Summary, baseline: Summary): Judgement[] {
  const judgements: Judgement[] = [];
  const add = (what: string, verdict: Verdict) => judgements.push({ what, verdict });
  if (summary.copiesIn !== null && baseline.copiesIn !== null) {
    const share = scenario.copies?.share ?? TARGETS.copies;
    const atLeast = summary.copiesIn.median <= LEAST_COPIES;
    add(`copies ≤ ${share}×`, atLeast ? "met" : compare(summary.copiesIn, baseline.copiesIn, share));
    const most = scenario.copies?.most;
    if (most !== undefined)
      add(`copies ≤ ${most} a home`, summary.copiesIn.median <= most ? "met" : "missed");
  }
  add(`median ≤ ${TARGETS.median}×`, compare(summary.median, baseline.median, TARGETS.median));
  add(`slowest ≤ ${TARGETS.slowest}×`, compare(summary.slowest, baseline.slowest, TARGETS.slowest));
  const more = summary.unfinished / summary.runs > baseline.unfinished / baseline.runs;
  add("unfinished: none more", more ? "missed" : "met");
  return judgements;
}

/** Compares `bridged-gate` with its targets. @param without the summary of `bridged`. */
export function judgeGate(targets: GateTargets, gated: Summary, without: Summary): Judgement[] {
  const judgements: Judgement[] = [];
  const add = (what: string, verdict: Verdict) => judgements.push({ what, verdict });
  const addTime = (what: string, value: Spread | null, baseline: Spread | null, share: number) => {
    if (value !== null && baseline !== null) add(`${what} ≤ ${share}×`, compare(value, baseline, share));
  };
  const { copies, share } = targets;
  if (gated.copiesIn !== null && without.copiesIn !== null) {
    const isFew = gated.copiesIn.median <= copies;
    const what = share === undefined ? `copies ≤ ${copies}` : `copies ≤ ${copies} or ${share}×`;
    add(what, isFew ? "met" : compare(gated.copiesIn, without.copiesIn, share ?? 0));
  }
  addTime("median", gated.median, without.median, targets.median);
  addTime("slowest", gated.slowest, without.slowest, targets.slowest);
  addTime("second torrent's median", gated.secondMedian, without.secondMedian, SECOND_TORRENT);
  addTime("second torrent's slowest", gated.secondSlowest, without.secondSlowest, SECOND_TORRENT);
  add("unfinished: none", gated.unfinished === 0 ? "met" : "missed");
  return judgements;
}

/** Compares `bridged-cluster` with its targets. @param single the summary of `bridged`. */
export function judgeCluster(cluster: Summary, single: Summary): Judgement[] {
  const more = cluster.unfinished / cluster.runs > single.unfinished / single.runs;
  const none: Judgement = { what: "unfinished: none more", verdict: more ? "missed" : "met" };
  if (cluster.copiesIn === null || single.copiesIn === null) return [none];
  const verdict = compare(cluster.copiesIn, single.copiesIn, CLUSTER_COPIES);
  return [{ what: `copies ≤ ${CLUSTER_COPIES}×`, verdict }, none];
}

function compare(value: Spread, baseline: Spread, share: number): Verdict {
  if (value.median <= share * baseline.median) return "met";
  return value.median <= share * baseline.max ? "spread" : "missed";
}
