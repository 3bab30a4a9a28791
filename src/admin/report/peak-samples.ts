/** Traffic by five minutes, and its 95th percentile, as transit is billed. */
import { ACTIVITY } from "../../store/group-activity.ts";
import type { HistoryRow } from "../sources.ts";

const FIVE_MINUTES = 300;
const BITS_PER_MEGABIT = 1e6;
/** The part of all intervals that is billed: the busiest 36 hours of a month are free. */
const BILLED_PART = 0.95;

/** Billed rates in Mbit/s: with an ordinary tracker, as estimated, and the difference. */
export interface Peak {
  readonly ordinary: number;
  readonly external: number;
  readonly avoided: number;
}

/** The columns of a sample, by their place in a row of totals: in and out of each. */
const EXTERNAL = [ACTIVITY.outside, ACTIVITY.outside + 1];
const ORDINARY = [ACTIVITY.random, ACTIVITY.random + 1];
const COLUMNS = [...EXTERNAL, ...ORDINARY];

/** The samples of some peer groups and of all together, in bytes by column and five minutes. */
export class PeakSamples {
  readonly start: number;
  readonly #length: number;
  readonly #shown: ReadonlySet<string>;
  readonly #total: Float64Array;
  readonly #groups = new Map<string, Float64Array>();

  /**
   * @param start of the first interval, in seconds since 1970.
   * @param end of the last one. Intervals without totals count as zero.
   * @param shown the groups with samples of their own; the others share those of "".
   */
  constructor(start: number, end: number, shown: ReadonlySet<string>) {
    this.start = start;
    this.#length = Math.floor((end - start) / FIVE_MINUTES);
    this.#shown = shown;
    this.#total = this.#allocate();
  }

  /** Adds the totals of a group in five minutes. */
  add({ start, group, counts }: HistoryRow): void {
    const interval = Math.floor((start - this.start) / FIVE_MINUTES);
    const name = this.#shown.has(group) ? group : "";
    const samples = this.#groups.get(name) ?? this.#allocate();
    this.#groups.set(name, samples);
    for (const [i, column] of COLUMNS.entries()) {
      samples[i * this.#length + interval] += counts[column];
      this.#total[i * this.#length + interval] += counts[column];
    }
  }

  /** The peak of all groups together. */
  total(): Peak {
    return this.#peakOf(this.#total);
  }

  /** The peak of a group, or of all groups without samples of their own (""). */
  of(group: string): Peak {
    return this.#peakOf(this.#groups.get(group) ?? this.#allocate());
  }

  #allocate(): Float64Array {
    return new Float64Array(COLUMNS.length * this.#length);
  }

  #peakOf(samples: Float64Array): Peak {
    const rate = (columns: readonly number[]) =>
      Math.max(...columns.map((column) => this.#percentile(samples, COLUMNS.indexOf(column))));
    const ordinary = rate(ORDINARY);
    const external = rate(EXTERNAL);
    return { ordinary, external, avoided: ordinary - external };
  }

  /** In Mbit/s. */
  #percentile(samples: Float64Array, column: number): number {
    const sorted = samples.slice(column * this.#length, (column + 1) * this.#length).sort();
    const bytes = sorted[Math.max(0, Math.ceil(BILLED_PART * this.#length) - 1)] ?? 0;
    return (8 * bytes) / FIVE_MINUTES / BITS_PER_MEGABIT;
  }
}
