/** The history of peer groups, from the totals in the database. */
import { z } from "zod";
import { ACTIVITY, ACTIVITY_TIERS, ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { gateCountsSchema, sumGate } from "./gate-counts.ts";
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

/** Whether counting began within a span is only looked up in the last days: five-minute totals are many. */
const FINE_SECONDS = 2 * DAY;

/** The query of `/api/v1/history`. */
export const historyQuerySchema = z.object({
  span: z.enum(["hour", "day", "week", "month", "year"]).default("day").describe("How far back."),
});

/** The answer of `/api/v1/history`: points in order of time. Spans without data are missing. */
export const historySchema = z.object({
  stepSeconds: z.int(),
  until: z.number().describe("The end of what is counted and saved, in seconds since 1970."),
  points: z.array(
    z.object({
      start: z.int().describe("Seconds since 1970, a multiple of stepSeconds."),
      from: z.number().describe("When counting began: at the start, or later in the first span of all."),
      to: z.number().describe("When counting ended: a span after the start, or earlier in the newest span."),
      announces: z.number().describe("Announces of all clients."),
      returnedNear: z.number().describe("Peers in peer groups that were returned to all clients."),
      returnedOutside: z.number().describe("Peers in no group that were returned to all clients."),
      downloaded: z.number().describe("Bytes that members of peer groups report as received."),
      uploaded: z.number(),
      outside: z.number().describe("External traffic of members in bytes, estimated."),
      random: z.number().describe("The same if peers were chosen at random. An estimate."),
      handshakesSeen: z
        .number()
        .describe("Handshakes across the border, as counted by the rules of the hash list or a DPI box."),
      handshakesRefused: z.number(),
      gate: gateCountsSchema.nullable().describe("Null: the gate was off."),
    }),
  ),
});

/** See {@link historySchema}. */
export type History = z.output<typeof historySchema>;

/** Reads a history. @returns undefined when the database cannot be used. */
export async function readHistory(
  sources: Pick<Sources, "history" | "counted">,
  { span }: z.output<typeof historyQuerySchema>,
): Promise<History | undefined> {
  const { back, step } = SPANS[span];
  const { now, startedAt, savedAt } = sources.counted();
  const windowStart = Math.floor(now) - back;
  const rows = await sources.history(step, windowStart);
  if (rows === undefined) return undefined;
  const until = savedAt ?? now;
  // The clock may have been set back since a row was written.
  const starts = Map.groupBy(
    rows.filter(({ start }) => start < now),
    ({ start }) => start,
  );
  const [first] = starts.keys();
  // Nothing is saved of the window's first span: counting began later.
  const isBeginning = first !== undefined && first >= windowStart + step && first > now - FINE_SECONDS;
  const began = isBeginning ? await findBeginning(sources, step, first, startedAt) : first;
  const points = [...starts].map(([start, ofStart]) => {
    const from = start === first ? (began ?? start) : start;
    return { ...toPoint(ofStart), start, from, to: Math.max(from + 1, Math.min(start + step, until)) };
  });
  return { stepSeconds: step, until, points };
}

/** When counting began in the first span of all: with its first five minutes, or with the tracker in these. */
async function findBeginning(
  sources: Pick<Sources, "history">,
  step: number,
  first: number,
  startedAt: number,
): Promise<number> {
  const fine = step === FIVE_MINUTES ? [] : ((await sources.history(FIVE_MINUTES, first)) ?? []);
  const start = Math.min(fine[0]?.start ?? first, first + step);
  return startedAt > start && startedAt < start + FIVE_MINUTES ? startedAt : start;
}

function toPoint(rows: readonly HistoryRow[]): Omit<History["points"][number], "start" | "from" | "to"> {
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
    announces: all[ACTIVITY.announces],
    returnedNear: returned.reduce((sum, peers) => sum + peers, 0) - returnedOutside,
    returnedOutside,
    downloaded: members[ACTIVITY.downloaded],
    uploaded: members[ACTIVITY.uploaded],
    outside: members[ACTIVITY.outside] + members[ACTIVITY.outside + 1],
    random: members[ACTIVITY.random] + members[ACTIVITY.random + 1],
    handshakesSeen: all[ACTIVITY.handshakes],
    handshakesRefused: all[ACTIVITY.handshakes + 1],
    gate: sumGate(rows.map(({ counts }) => counts)),
  };
}
