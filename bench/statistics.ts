/** Summarizes the rounds of a measurement. */

/** The median and the extremes of all rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @returns the median of a value of each item. There must be at least one item. */
export function medianOf<T>(items: readonly T[], read: (item: T) => number): number {
  return spreadOf(items.map(read)).median;
}

/** @param values at least one. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

/** The ratio of `a` to `b`, round by round: a disturbance of a whole round cancels out. */
export function ratioOf(a: readonly number[], b: readonly number[]): Spread {
  return spreadOf(a.map((value, round) => value / b[round]));
}
