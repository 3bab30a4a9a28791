/** Totals of a made-up year, as a tracker with two peer groups and a gate leaves them in its database. */
import type { Database, GroupTotal } from "../../src/storage/database.ts";
import { DAY, FIVE_MINUTES, HOUR } from "../../src/storage/group-totals.ts";
import {
  ACTIVITY,
  ACTIVITY_TIERS,
  ACTIVITY_WIDTH,
  GATE_ACTIVITY,
  type GateActivity,
  gateAt,
} from "../../src/store/group-activity.ts";

const ROWS_AT_ONCE = 2000;
/** Days for which the totals of each span are written. */
const SPANS = [
  { span: FIVE_MINUTES, days: 31 },
  { span: HOUR, days: 92 },
  { span: DAY, days: 366 },
] as const;
/** The groups, with their part of the traffic. */
const GROUPS = [
  { group: "subscribers", part: 0.8 },
  { group: "partners", part: 0.2 },
] as const;
/** Bytes per second that members report on average at the end of the year. */
const RATE = 400e6 / 8;

/** What the gate counts in a second on average. */
const GATE_RATES: Readonly<Partial<Record<GateActivity, number>>> = {
  torrentSeconds: 4200,
  endpointSeconds: 31_000,
  seenHandshakeOut: 90,
  refusedHandshakeOut: 50,
  seenHandshakeIn: 120,
  refusedHandshakeIn: 40,
  seenEndpointOut: 60,
  refusedEndpointOut: 55,
  seenEndpointIn: 80,
  refusedEndpointIn: 75,
  seenFarOut: 30,
  refusedFarOut: 21,
  exempted: 0.01,
};

/** Writes a year of totals that ends at the start of the hour of `now`. @param now seconds since 1970. */
export async function writeYear(database: Database, now: number): Promise<void> {
  const end = now - (now % HOUR);
  for (const { span, days } of SPANS) {
    const first = now - (now % span) - days * DAY;
    const totals: GroupTotal[] = [];
    for (let start = first; start < end - (end % span); start += span)
      for (const { group, part } of GROUPS)
        totals.push(makeTotal(span, start, group, part, (start - now) / (366 * DAY)));
    for (let start = first; start < end - (end % span); start += span)
      totals.push(makeGateTotal(span, start));
    for (let i = 0; i < totals.length; i += ROWS_AT_ONCE)
      await database.addTotals(totals.slice(i, i + ROWS_AT_ONCE));
  }
}

/** A gate that refuses more by day than by night. */
function makeGateTotal(span: number, start: number): GroupTotal {
  const daily = span < DAY ? 1 + 0.6 * Math.sin((2 * Math.PI * (start - 14 * HOUR)) / DAY) : 1;
  const counts = new Array<number>(ACTIVITY_WIDTH).fill(0);
  for (const what of GATE_ACTIVITY) counts[gateAt(what)] = Math.round(daily * span * (GATE_RATES[what] ?? 0));
  counts[gateAt("seconds")] = span;
  return { span, start, group: "", counts };
}

/** @param ago part of the year that has passed since, negative: the traffic has grown to {@link RATE}. */
function makeTotal(span: number, start: number, group: string, part: number, ago: number): GroupTotal {
  const daily = span < DAY ? 1 + 0.6 * Math.sin((2 * Math.PI * (start - 14 * HOUR)) / DAY) : 1;
  const bytes = Math.round(RATE * part * span * daily * (1 + 0.5 * ago));
  const counts = new Array<number>(ACTIVITY_WIDTH).fill(0);
  counts[ACTIVITY.announces] = Math.round(bytes / 30e6);
  counts[ACTIVITY.downloaded] = bytes;
  counts[ACTIVITY.uploaded] = Math.round(0.7 * bytes);
  counts[ACTIVITY.returned] = Math.round(bytes / 2e6);
  counts[ACTIVITY.returned + ACTIVITY_TIERS - 1] = Math.round(bytes / 3e6);
  for (const [i, share] of [1, 0.7].entries()) {
    counts[ACTIVITY.random + i] = Math.round(0.85 * share * bytes);
    counts[ACTIVITY.outside + i] = Math.round((0.55 + 0.2 * ago) * share * bytes);
  }
  return { span, start, group, counts };
}
