/** The history of peer groups, from the totals in the database. */
import { z } from "zod";
import { ACTIVITY, ACTIVITY_TIERS, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import type { HistoryRow, Sources } from "./sources.ts";

const FIVE_MINUTES = 300;
const HOUR = 3600;
const DAY = 86_400;

/** The spans of a history and their steps, in seconds. */
const SPANS = {
  hour: { back: HOUR, step: FIVE_MINUTES },
  day: { back: 24 * HOUR, step: HOUR },
  week: { back: 7 * DAY, step: HOUR },
  month: { back: 31 * DAY, step: DAY },
  year: { back: 366 * DAY, step: DAY },
} as const;

/** The query of `/api/v1/history`. */
export const historyQuerySchema = z.object({
  span: z.enum(["hour", "day", "week", "month", "year"]).default("day").describe("How far back."),
});

/** The answer of `/api/v1/history`: points in order of time. Spans without data are missing. */
export const historySchema = z.object({
  stepSeconds: z.int(),
  points: z.array(
    z.object({
      start: z.int().describe("Seconds since 1970."),
      announces: z.number().describe("Announces of all clients."),
      returnedNear: z.number().describe("Peers in peer groups that were returned to all clients."),
      returnedOutside: z.number().describe("Peers in no group that were returned to all clients."),
      downloaded: z.number().describe("Bytes that members of peer groups report as received."),
      uploaded: z.number(),
      outside: z.number().describe("External traffic of members in bytes, estimated."),
      random: z.number().describe("The same if peers were chosen at random. An estimate."),
      handshakesSeen: z
        .number()
        .describe("Handshakes across the border, if a router or DPI box counts them."),
      handshakesRefused: z.number(),
    }),
  ),
});

/** See {@link historySchema}. */
export type History = z.output<typeof historySchema>;

/** Reads a history. @returns undefined when the database cannot be used. */
export async function readHistory(
  sources: Pick<Sources, "history">,
  { span }: z.output<typeof historyQuerySchema>,
): Promise<History | undefined> {
  const { back, step } = SPANS[span];
  const rows = await sources.history(step, Math.floor(Date.now() / 1000) - back);
  if (rows === undefined) return undefined;
  const points = [...Map.groupBy(rows, ({ start }) => start)].map(([start, ofStart]) =>
    toPoint(start, ofStart),
  );
  return { stepSeconds: step, points };
}

function toPoint(start: number, rows: readonly HistoryRow[]): History["points"][number] {
  const all = new Float64Array(ACTIVITY_WIDTH);
  const members = new Float64Array(ACTIVITY_WIDTH);
  for (const { group, counts } of rows) {
    for (const [i, count] of counts.entries()) {
      all[i] += count;
      if (group !== "") members[i] += count;
    }
  }
  const returned = all.subarray(ACTIVITY.returned, ACTIVITY.returned + ACTIVITY_TIERS);
  const returnedOutside = returned[ACTIVITY_TIERS - 1];
  return {
    start,
    announces: all[ACTIVITY.announces],
    returnedNear: returned.reduce((sum, peers) => sum + peers, 0) - returnedOutside,
    returnedOutside,
    downloaded: members[ACTIVITY.downloaded],
    uploaded: members[ACTIVITY.uploaded],
    outside: members[ACTIVITY.outside] + members[ACTIVITY.outside + 1],
    random: members[ACTIVITY.random] + members[ACTIVITY.random + 1],
    handshakesSeen: all[ACTIVITY.handshakes],
    handshakesRefused: all[ACTIVITY.handshakes + 1],
  };
}
