/** What peer groups did in the past, from the totals in the database. */
import { z } from "zod";
import { ACTIVITY_TIERS } from "../tracker/group-activity.ts";
import type { Sources } from "./sources.ts";

const HOUR = 3600;
const DAY = 86_400;

/** How far back, and in which steps. */
const SPANS = {
  day: { back: 24 * HOUR, step: HOUR },
  week: { back: 7 * DAY, step: HOUR },
  month: { back: 31 * DAY, step: DAY },
  year: { back: 366 * DAY, step: DAY },
} as const;

/** What `/api/v1/history` is asked. */
export const historyQuerySchema = z.object({
  span: z.enum(["day", "week", "month", "year"]).default("day").describe("How far back."),
});

/** What `/api/v1/history` answers: all groups together, in order of time. */
export const historySchema = z.object({
  stepSeconds: z.int(),
  points: z.array(
    z.object({
      start: z.int().describe("Seconds since 1970."),
      announces: z.number(),
      downloaded: z.number(),
      uploaded: z.number(),
      givenNear: z.number().describe("Peers given that are in peer groups."),
      givenOutside: z.number(),
    }),
  ),
});

/** It. */
export type History = z.output<typeof historySchema>;

/** Reads it. @returns undefined when the database cannot be used. */
export async function readHistory(
  sources: Pick<Sources, "history">,
  { span }: z.output<typeof historyQuerySchema>,
): Promise<History | undefined> {
  const { back, step } = SPANS[span];
  const rows = await sources.history(step, Math.floor(Date.now() / 1000) - back);
  if (rows === undefined) return undefined;
  const points = new Map<number, History["points"][number]>();
  for (const { start, announces, downloaded, uploaded, given } of rows) {
    const before = points.get(start);
    const outside = given[ACTIVITY_TIERS - 1];
    const near = given.reduce((sum, peers) => sum + peers, 0) - outside;
    points.set(start, {
      start,
      announces: announces + (before?.announces ?? 0),
      downloaded: downloaded + (before?.downloaded ?? 0),
      uploaded: uploaded + (before?.uploaded ?? 0),
      givenNear: near + (before?.givenNear ?? 0),
      givenOutside: outside + (before?.givenOutside ?? 0),
    });
  }
  return { stepSeconds: step, points: [...points.values()] };
}
