/** Deletes what is kept no longer. */
import type { Database } from "./database.ts";
import { DAY, HOUR } from "./group-totals.ts";
import type { Rest } from "./saver.ts";

/** Rows deleted at once, and how often in a row: saving waits meanwhile. */
const SLICE = 250;
const SLICES = 40;

/** How long totals are kept: those of hours a quarter, those of days ten years. */
const KEPT_DAYS = { hours: 92, days: 3660 } as const;

/**
 * Deletes some of what is kept no longer; called again and again. That is torrents that have been quiet for more
 * than `quietSeconds`, those quiet longest where there are more than `quietLimit`, and old totals.
 * @param now seconds.
 * @throws DatabaseError
 */
export async function purge(
  database: Database,
  now: number,
  quietSeconds: number,
  quietLimit: number,
  rest: Rest,
): Promise<void> {
  const deleteSlices = async (before: number, limit: number) => {
    for (let slice = 0, left = limit; slice < SLICES && left > 0; slice++) {
      const began = performance.now();
      const deleted = await database.deleteQuiet(before, Math.min(SLICE, left));
      left = deleted === 0 ? 0 : left - deleted;
      await rest(performance.now() - began);
    }
  };
  await deleteSlices(now - quietSeconds, Number.POSITIVE_INFINITY);
  await deleteSlices(now + DAY, (await database.countQuiet()) - quietLimit);
  await database.deleteTotals(HOUR, now - KEPT_DAYS.hours * DAY);
  await database.deleteTotals(DAY, now - KEPT_DAYS.days * DAY);
}
