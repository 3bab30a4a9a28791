/** Deletes what is kept no longer. */
import type { Database } from "./database.ts";
import { DAY, FIVE_MINUTES, HOUR } from "./group-totals.ts";
import type { Rest } from "./saver.ts";

/** Rows deleted at once, and how often in a row: saving waits meanwhile. */
const SLICE = 250;
const SLICES = 40;

/** How long totals of each span are kept, in days. */
const KEPT = [
  { span: FIVE_MINUTES, days: 2 },
  { span: HOUR, days: 92 },
  { span: DAY, days: 3660 },
] as const;

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
  for (const { span, days } of KEPT) await database.deleteTotals(span, now - days * DAY);
}
