/** Hourly and daily totals of peer groups, from what the data plane has counted since it was last looked at. */
import { GROUP_IDS, NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY, ACTIVITY_TIERS, ACTIVITY_WIDTH } from "../tracker/group-activity.ts";
import type { Database, GroupTotal } from "./database.ts";

/** Seconds. */
export const HOUR = 3600;
export const DAY = 86_400;

/** Totals that wait for the database at most: those of the longest ago are dropped first. */
const WAITING_LIMIT = 20_000;

/** Adds up what all threads have counted. */
export class GroupTotals {
  /** Totals that were dropped while the database was away. */
  dropped = 0;
  readonly #activity: readonly Float64Array[];
  readonly #seen = new Float64Array(GROUP_IDS * ACTIVITY_WIDTH);
  /** By span, start and group. */
  #waiting = new Map<string, GroupTotal>();
  #names = new Map<number, string>([[NO_GROUP, ""]]);

  /** @param activity the counts of every thread (tracker/group-activity.ts). */
  constructor(activity: readonly Float64Array[]) {
    this.#activity = activity;
  }

  /** Takes over the groups' names, after what was done under the old ones has been collected. @param now seconds. */
  rename(groups: readonly { readonly id: number; readonly name: string }[], now: number): void {
    this.collect(now);
    this.#names = new Map([[NO_GROUP, ""], ...groups.map(({ id, name }): [number, string] => [id, name])]);
  }

  /** Adds what has been counted since the last time to the totals of this hour and day. */
  collect(now: number): void {
    for (const [id, group] of this.#names) {
      const at = id * ACTIVITY_WIDTH;
      const news = this.#readNews(at);
      if (news[ACTIVITY.announces] === 0) continue;
      for (const span of [HOUR, DAY]) this.#add(span, now - (now % span), group, news);
    }
  }

  /** Writes what waits. @throws DatabaseError, and it goes on waiting. */
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

  #readNews(at: number): Float64Array {
    const news = new Float64Array(ACTIVITY_WIDTH);
    for (let i = 0; i < ACTIVITY_WIDTH; i++) {
      const sum = this.#activity.reduce((total, counts) => total + counts[at + i], 0);
      news[i] = sum - this.#seen[at + i];
      this.#seen[at + i] = sum;
    }
    return news;
  }

  #add(span: number, start: number, group: string, news: Float64Array): void {
    this.#addTo(this.#waiting, {
      span,
      start,
      group,
      announces: news[ACTIVITY.announces],
      downloaded: news[ACTIVITY.downloaded],
      uploaded: news[ACTIVITY.uploaded],
      given: [...news.subarray(ACTIVITY.given, ACTIVITY.given + ACTIVITY_TIERS)],
    });
  }

  #addTo(totals: Map<string, GroupTotal>, more: GroupTotal): void {
    const key = `${more.span} ${more.start} ${more.group}`;
    const known = totals.get(key);
    if (known !== undefined) {
      totals.set(key, {
        ...known,
        announces: known.announces + more.announces,
        downloaded: known.downloaded + more.downloaded,
        uploaded: known.uploaded + more.uploaded,
        given: known.given.map((peers, tier) => peers + more.given[tier]),
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
