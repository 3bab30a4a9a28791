/** Totals of peer groups by time spans, from the increments of the data plane's counters. */
import { GROUP_IDS, NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { AFTER_ALL_TOTALS, type Database, type GroupTotal } from "./database.ts";

/** The time spans of totals, in seconds. */
export const FIVE_MINUTES = 300;
export const HOUR = 3600;
export const DAY = 86_400;

/** Most totals that wait for the database. The oldest are dropped first. */
const WAITING_LIMIT = 20_000;

/** Spans of a page of stored totals, so that a page of a thousand groups is not too large for memory. */
const PAGE_SPANS = 24;
/** Totals may be this old, in pages. Older ones are in the first page. */
const PAGES = 800;

/**
 * The times of all totals of one span in pages, in order. The first page has all older ones, and the last page those in
 * the future, from before a clock was set back.
 * @param now seconds.
 */
export function pagesOfTotals(span: number, now: number): { readonly from: number; readonly to: number }[] {
  const length = span * PAGE_SPANS;
  const first = Math.floor(now) - PAGES * length;
  return Array.from({ length: PAGES + 1 }, (_, page) => ({
    from: page === 0 ? 0 : first + page * length,
    to: page === PAGES ? AFTER_ALL_TOTALS : first + (page + 1) * length,
  }));
}

/** Adds up the counters of all workers. */
export class GroupTotals {
  /** Totals that were dropped while the database was unavailable. */
  dropped = 0;
  readonly #activity: readonly Float64Array[];
  readonly #seen = new Float64Array(GROUP_IDS * ACTIVITY_WIDTH);
  /** By span, start and group. */
  #waiting = new Map<string, GroupTotal>();
  #names = new Map<number, string>([[NO_GROUP, ""]]);

  /** @param activity the counters of every worker and of the control plane (store/group-activity.ts). */
  constructor(activity: readonly Float64Array[]) {
    this.#activity = activity;
  }

  /** Adopts new group names, after the counts under the old names are collected. @param now seconds. */
  rename(groups: readonly { readonly id: number; readonly name: string }[], now: number): void {
    this.collect(now);
    this.#names = new Map([[NO_GROUP, ""], ...groups.map(({ id, name }): [number, string] => [id, name])]);
  }

  /** Adds the counts since the last call to the totals of the current spans. */
  collect(now: number): void {
    for (const [id, group] of this.#names) {
      const at = id * ACTIVITY_WIDTH;
      const increments = this.#readIncrements(at);
      if (increments.every((count) => count === 0)) continue;
      for (const span of [FIVE_MINUTES, HOUR, DAY])
        this.#addTo(this.#waiting, { span, start: now - (now % span), group, counts: increments });
    }
  }

  /** Writes all waiting totals. @throws DatabaseError, and they continue to wait. */
  async write(database: Database): Promise<void> {
    const waiting = this.#waiting;
    if (waiting.size === 0) return;
    this.#waiting = new Map();
    try {
      await database.addTotals([...waiting.values()]);
    } catch (error) {
      for (const total of this.#waiting.values()) this.#addTo(waiting, total);
      this.#waiting = waiting;
      throw error;
    }
  }

  #readIncrements(at: number): number[] {
    return Array.from({ length: ACTIVITY_WIDTH }, (_, i) => {
      // Estimates have fractions.
      const sum = Math.round(this.#activity.reduce((total, counts) => total + counts[at + i], 0));
      const more = sum - this.#seen[at + i];
      this.#seen[at + i] = sum;
      return more;
    });
  }

  #addTo(totals: Map<string, GroupTotal>, more: GroupTotal): void {
    const key = `${more.span} ${more.start} ${more.group}`;
    const known = totals.get(key);
    if (known !== undefined) {
      totals.set(key, {
        ...known,
        counts: known.counts.map((count, i) => count + more.counts[i]),
      });
      return;
    }
    if (totals.size >= WAITING_LIMIT) {
      const [oldest] = totals.keys();
      totals.delete(oldest);
      this.dropped++;
    }
    totals.set(key, more);
  }
}
