/** Many swarms of each size with one tracker, their results, and what follows for a whole operator. */
import { Random } from "../../src/model/random.ts";
import { median } from "../statistics.ts";
import { leastEntered } from "./bound.ts";
import type { SwarmPlan } from "./plan.ts";
import { type DayOptions, dayOfTorrent, MEAN_FILE_BYTES, popularityClasses } from "./population.ts";
import type { TrackerPlan } from "./simulated-tracker.ts";
import { type SwarmResult, simulate } from "./swarm.ts";

/** Downloads a day of the torrents that are simulated. */
export const SIZES = [0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const;

/** Downloads simulated of each size, and limits for the number of swarms. */
const DOWNLOADS = 800;
const SWARMS = { least: 2, most: 200 } as const;

/** The swarms that are simulated. */
export interface Experiment extends DayOptions {
  readonly seed: number;
  /** Multiplies the number of swarms. */
  readonly effort: number;
}

/** The swarms of one size, and their results with one tracker. Swarms are the same whatever the tracker. */
export interface SizeRuns {
  /** Downloads a day, on average. */
  readonly size: number;
  readonly plans: readonly SwarmPlan[];
  readonly results: readonly SwarmResult[];
}

/** A summary of {@link SizeRuns}. */
export interface SizeResult {
  readonly size: number;
  /** Swarms with a download. */
  readonly fetched: number;
  /** Copies that entered the home of each of these swarms, and copies that left it, on average. */
  readonly copies: number;
  readonly copiesOut: number;
  /** Bytes that entered the home, by bytes that its clients downloaded. */
  readonly share: number;
  /** Seconds to completion, by gigabytes of the file. */
  readonly median: number;
  readonly slowest99: number;
  readonly unfinished: number;
  /** Of a client at home, an hour. */
  readonly announces: number;
}

/** Simulates the swarms of one size. */
export function simulateSize(size: number, tracker: TrackerPlan, experiment: Experiment): SizeRuns {
  const { seed, effort } = experiment;
  const swarms = Math.ceil(Math.max(SWARMS.least, Math.min(SWARMS.most, DOWNLOADS / size)) * effort);
  const plans: SwarmPlan[] = [];
  const results: SwarmResult[] = [];
  for (let i = 0; i < swarms; i++) {
    const random = new Random([seed, Math.round(size * 1000), i, 1]);
    // The first numbers of seeds that differ little differ little.
    for (let skipped = 0; skipped < 16; skipped++) random.next();
    plans.push(dayOfTorrent(size, random, experiment));
    results.push(simulate(plans[i], tracker, random.next()));
  }
  return { size, plans, results };
}

/** Summarizes the swarms in which a client at home downloaded. */
export function summarize({ size, results }: SizeRuns): SizeResult {
  const fetched = results.filter(({ homes: [home] }) => home.downloaded > 0);
  const times = fetched.flatMap(({ seconds, fileBytes }) => seconds.map((each) => (each * 1e9) / fileBytes));
  times.sort((a, b) => a - b);
  const sum = (of: (result: SwarmResult) => number) => fetched.reduce((all, result) => all + of(result), 0);
  return {
    size,
    fetched: fetched.length,
    copies: sum(({ homes: [home], fileBytes }) => home.entered / fileBytes) / fetched.length,
    copiesOut: sum(({ homes: [home], fileBytes }) => home.left / fileBytes) / fetched.length,
    share: sum(({ homes: [home] }) => home.entered) / sum(({ homes: [home] }) => home.downloaded),
    median: times[times.length >> 1] ?? Number.NaN,
    slowest99: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
    unfinished: results.reduce((all, { unfinished }) => all + unfinished, 0),
    announces: sum(({ announces }) => announces) / sum(({ hours }) => hours),
  };
}

/**
 * The least share of bytes that must enter (bound.ts), if no client takes longer than in these runs.
 * @param patience each client may take this many times as long.
 */
export function leastShare({ plans, results }: SizeRuns, patience: number): number {
  let least = 0;
  let downloaded = 0;
  for (const [i, { clients, homes }] of results.entries()) {
    least += leastEntered(plans[i], clients[0], patience);
    downloaded += homes[0].downloaded;
  }
  return least / downloaded;
}

/** The median, over the clients at home, of the time to completion relative to that in other runs of the same swarms. */
export function medianSlowdown({ plans, results }: SizeRuns, base: SizeRuns): number {
  const ratios = results.flatMap(({ clients: [clients] }, i) =>
    clients.map(({ peer, completedAt }, client) => {
      const { arrives } = plans[i].peers[peer];
      const baseCompletedAt = base.results[i].clients[0][client].completedAt;
      return arrives < (plans[i].countsFrom ?? 0)
        ? Number.NaN
        : (completedAt - arrives) / (baseCompletedAt - arrives);
    }),
  );
  return median(ratios.filter(Number.isFinite));
}

/** An operator's day. */
interface Projection {
  readonly subscribers: number;
  /** Torrents fetched at least once a day on average. */
  readonly torrents: number;
  readonly downloads: number;
  readonly downloadedTerabytes: number;
  readonly enteredTerabytes: number;
  readonly share: number;
}

/**
 * What an operator's subscribers fetch in a day, and how much of it comes from outside: a torrent has the
 * share of the simulated ones nearest in size. Torrents larger than simulated save at least as much.
 * @param results of {@link SIZES}, ascending.
 */
export function project(
  subscribers: number,
  results: readonly Pick<SizeResult, "size" | "share">[],
): Projection {
  let [torrents, downloads, entered] = [0, 0, 0];
  for (const each of popularityClasses(subscribers)) {
    if (each.downloads >= 1) torrents += each.torrents;
    downloads += each.torrents * each.downloads;
    entered += each.torrents * each.downloads * shareAt(each.downloads, results);
  }
  const terabytes = MEAN_FILE_BYTES / 1e12;
  return {
    subscribers,
    torrents,
    downloads,
    downloadedTerabytes: downloads * terabytes,
    enteredTerabytes: entered * terabytes,
    share: entered / downloads,
  };
}

/** The share at a size, between those simulated; on a logarithmic scale. */
function shareAt(size: number, results: readonly Pick<SizeResult, "size" | "share">[]): number {
  const above = results.findIndex((result) => result.size >= size);
  if (above === 0) return results[0].share;
  if (above === -1) return results.at(-1)!.share;
  const [low, high] = [results[above - 1], results[above]];
  const weight = Math.log(size / low.size) / Math.log(high.size / low.size);
  return low.share + (high.share - low.share) * weight;
}
