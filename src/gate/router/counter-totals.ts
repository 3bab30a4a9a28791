/** Counters of the kernel, which are 0 in a new table, as totals since the start of this program. */
import { GATE_COUNTERS, type GateCounts, noCounts } from "../report.ts";

/** Adds up what counters have counted. */
export class CounterTotals {
  #last: GateCounts | undefined;
  #totals: GateCounts = noCounts();

  /** Takes a reading. The first one is the start: what was counted before was for another program to report. */
  update(counts: GateCounts): void {
    const last = this.#last ?? counts;
    this.#last = counts;
    const isAnew = GATE_COUNTERS.some((counter) => counts[counter] < last[counter]);
    const increments = GATE_COUNTERS.map((counter) => counts[counter] - (isAnew ? 0 : last[counter]));
    this.#totals = Object.fromEntries(
      GATE_COUNTERS.map((counter, i) => [counter, this.#totals[counter] + increments[i]]),
    ) as GateCounts;
  }

  /** The totals. */
  get totals(): GateCounts {
    return this.#totals;
  }
}
