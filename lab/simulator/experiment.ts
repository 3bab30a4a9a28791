/** Many swarms of each size with one tracker, what came of them, and what follows for a whole operator. */
import { Random } from "../../src/model/random.ts";
import { type DayOptions, dayOfTorrent, MEAN_FILE_BYTES, popularityClasses } from "./population.ts";
import type { TrackerPlan } from "./simulated-tracker.ts";
import { type SwarmResult, simulate } from "./swarm.ts";

/** Downloads a day of the torrents that are simulated. */
export const SIZES = [0.5, 1, 2, 4, 8, 16, 32, 64, 128] as const;

/** Downloads simulated of each size, and limits for the number of swarms. */
const DOWNLOADS = 400;
const SWARMS = { least: 4, most: 200 } as const;

/** What came of the swarms of one size. */
export interface SizeResult {
  /** Downloads a day, on average. */
  readonly size: number;
  /** Swarms with a download, and the copies that entered the home in each of them, on average. */
  readonly fetched: number;
  readonly copies: number;
  /** Copies that left it. */
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

/**
 * Simulates swarms of one size. Swarms are the same whatever the tracker.
 * @param effort multiplies the number of swarms.
 */
export function simulateSize(
  size: number,
  tracker: TrackerPlan,
  seed: number,
  effort: number,
  day: DayOptions,
): SizeResult {
  const swarms = Math.ceil(Math.max(SWARMS.least, Math.min(SWARMS.most, DOWNLOADS / size)) * effort);
  const results: SwarmResult[] = [];
  for (let i = 0; i < swarms; i++) {
    const random = new Random([seed, Math.round(size * 1000), i, 1]);
    // The first numbers of seeds that differ little differ little.
    for (let skipped = 0; skipped < 16; skipped++) random.next();
    results.push(simulate(dayOfTorrent(size, random, day), tracker, random.next()));
  }
  return summarize(size, results);
}

function summarize(size: number, results: readonly SwarmResult[]): SizeResult {
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
 * What an operator's subscribers fetch in a day, and how much of it comes from outside: every torrent is taken to
 * have the share of the simulated ones nearest in size. Larger ones than simulated save at least as much.
 * @param results of {@link SIZES}, ascending.
 */
export function project(subscribers: number, results: readonly SizeResult[]): Projection {
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
function shareAt(size: number, results: readonly SizeResult[]): number {
  const above = results.findIndex((result) => result.size >= size);
  if (above === 0) return results[0].share;
  if (above === -1) return results.at(-1)!.share;
  const [low, high] = [results[above - 1], results[above]];
  const weight = Math.log(size / low.size) / Math.log(high.size / low.size);
  return low.share + (high.share - low.share) * weight;
}
