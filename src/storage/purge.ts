/** Deletes rows whose retention time is over. */

import type { Rest } from "../platform/rest.ts";
import type { Database } from "./database.ts";
import { DAY, FIVE_MINUTES, HOUR } from "./group-totals.ts";

/** Rows deleted at once, and slices deleted in one call: saving waits meanwhile. */
const SLICE = 250;
const SLICES = 40;

/** For how many days the totals of each span are stored: of five minutes, for the report of the last whole month. */
const TOTALS_RETENTION = [
  { span: FIVE_MINUTES, days: 62 },
  { span: HOUR, days: 92 },
  { span: DAY, days: 3660 },
] as const;

/** Which inactive torrents stay: for so many seconds, and at most so many of them. */
interface InactiveRetention {
  readonly inactiveSeconds: number;
  readonly inactiveLimit: number;
}

/**
 * Deletes some of the rows that are not needed any more, and is called again and again. These are torrents that have
 * been inactive for longer than `inactiveSeconds`, those inactive longest where there are more than `inactiveLimit`, and
 * old totals.
 * @param now seconds.
 * @throws DatabaseError
 */
export async function purge(
  database: Database,
  now: number,
  { inactiveSeconds, inactiveLimit }: InactiveRetention,
  rest: Rest,
): Promise<void> {
  const deleteSlices = async (before: number, limit: number) => {
    for (let slice = 0, left = limit; slice < SLICES && left > 0; slice++) {
      const began = performance.now();
      const deleted = await database.deleteInactive(before, Math.min(SLICE, left));
      left = deleted === 0 ? 0 : left - deleted;
      await rest(performance.now() - began);
    }
  };
  await deleteSlices(now - inactiveSeconds, Number.POSITIVE_INFINITY);
  await deleteSlices(now + DAY, (await database.countInactive()) - inactiveLimit);
  for (const { span, days } of TOTALS_RETENTION) await database.deleteTotals(span, now - days * DAY);
}
