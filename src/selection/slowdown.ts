/** Compares the paces of two groups of downloads (pace-trial.ts), and follows the operator's patience. */
import { CLASS_RATIO, PACE_CLASSES, PACE_GROUP } from "./pace-trial.ts";

/** The demand is changed when each group has so many downloads. With fewer, chance would decide. */
const DOWNLOADS_LEAST = 400;

/**
 * Limits of the factor of the demand. The demand never falls below what was assumed: an average over all torrents hides
 * those that would take much longer. So clients that lie can reduce the saving, but make no download slower.
 */
const DEMAND = { least: 1, most: 4 } as const;

/** The largest change of the demand in one step, and its exponent: the slowdown changes much less than the demand. */
const STEP_MOST = 1.25;
const GAIN = 3;

/** The difference between the counts of two moments: downloads of each group and class. */
export type PaceCounts = Float64Array;

/** The downloads of a group. @param group of {@link PACE_GROUP}. */
export function downloadsOf(counts: PaceCounts, group: number): number {
  let sum = 0;
  for (let i = 0; i < PACE_CLASSES; i++) sum += counts[group * PACE_CLASSES + i];
  return sum;
}

/**
 * How many times as long the limited downloads take as those of the control group: the ratio of their typical paces. The
 * typical pace is the mean class of the middle half (interquartile mean). So the fastest and the slowest quarter of a
 * group may lie as they like.
 * @returns undefined if one of the groups has too few downloads.
 */
export function slowdownOf(counts: PaceCounts): number | undefined {
  const { limited, control } = PACE_GROUP;
  if (Math.min(downloadsOf(counts, limited), downloadsOf(counts, control)) < DOWNLOADS_LEAST)
    return undefined;
  return CLASS_RATIO ** (middleClass(counts, control) - middleClass(counts, limited));
}

function middleClass(counts: PaceCounts, group: number): number {
  const all = downloadsOf(counts, group);
  let before = 0;
  let sum = 0;
  for (let i = 0; i < PACE_CLASSES; i++) {
    const after = before + counts[group * PACE_CLASSES + i];
    const inMiddle = Math.min(after, 0.75 * all) - Math.max(before, 0.25 * all);
    if (inMiddle > 0) sum += inMiddle * i;
    before = after;
  }
  return sum / (all / 2);
}

/** The factor of the demand that follows from a slowdown. @param patience how many times as long a download may take. */
export function nextDemand(demand: number, slowdown: number, patience: number): number {
  const change = Math.min(Math.max((slowdown / patience) ** GAIN, 1 / STEP_MOST), STEP_MOST);
  return Math.min(Math.max(demand * change, DEMAND.least), DEMAND.most);
}
