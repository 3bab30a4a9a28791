/** Reads the report of a month from the totals of peer groups, in slices: five minutes of a month are many rows. */
import { type Rest, restAfter } from "../../platform/rest.ts";
import { ACTIVITY, gateAt } from "../../store/group-activity.ts";
import { sumGate } from "../gate-counts.ts";
import type { HistoryRow, Sources } from "../sources.ts";
import { boundsOf, dayOf, lastMonths, monthOf } from "./months.ts";
import { type Peak, PeakSamples } from "./peak-samples.ts";
import { ASSUMPTIONS, type Report, type ReportLine } from "./report.ts";

const FIVE_MINUTES = 300;
const DAY = 86_400;
/** Months in a report. */
const MONTHS = 12;
/** The span of rows that are read at a time. */
const SLICE_SECONDS = 3 * 3600;
/** Groups with a line of their own; the smaller ones share one. */
const GROUPS_LIMIT = 50;

/** What the reader needs of {@link Sources}. */
export type ReportSources = Pick<Sources, "version" | "history" | "counted" | "reportPrice">;

/** Traffic as it adds up: in and out, as estimated and with an ordinary tracker. */
interface Sum {
  readonly external: { downloaded: number; uploaded: number };
  readonly ordinary: { downloaded: number; uploaded: number };
}

/** The daily totals of a report. */
interface Daily {
  /** By month, by day of the reported month, and by group in that month. */
  readonly months: Map<string, Sum>;
  readonly days: Map<string, Sum>;
  readonly groups: Map<string, Sum>;
  readonly handshakes: { seen: number; refused: number };
  /** Rows of no group with counts of the gate, by day of the reported month. */
  readonly gate: Map<string, (readonly number[])[]>;
  /** The first day with data in the reported month. */
  firstDay: number | undefined;
}

/** The database cannot be read. */
export class ReportUnavailable extends Error {}

/**
 * Reads a report.
 * @param month such as `2026-11`.
 * @throws ReportUnavailable
 */
export async function readReport(
  sources: ReportSources,
  month: string,
  hostName: string,
  rest: Rest = restAfter,
): Promise<Report> {
  const { start, end } = boundsOf(month);
  const { now, savedAt } = sources.counted();
  const to = Math.min(end, savedAt ?? now);
  const daily = await readDaily(sources, month, rest);
  const shownGroups = largestGroups(daily.groups);
  const samples = await readSamples(
    sources,
    { start, to, firstDay: daily.firstDay, groups: shownGroups },
    rest,
  );
  const from = samples?.start ?? daily.firstDay;
  const { pricePerMbit, currency } = sources.reportPrice();
  const bill = (sum: Sum, peak: Peak | null) => ({
    ...lineOf(sum),
    peak,
    money: peak === null || pricePerMbit === null ? null : peak.avoided * pricePerMbit,
  });
  return {
    version: sources.version,
    hostName,
    madeAt: new Date(1000 * now).toISOString(),
    month,
    from: from === undefined ? null : isoTime(from),
    to: isoTime(to),
    isComplete: to === end && from !== undefined && from < start + DAY,
    pricePerMbit,
    currency,
    total: bill(daily.months.get(month) ?? makeSum(), samples?.total() ?? null),
    groups: [...groupSums(daily.groups, shownGroups)].map(([group, sum]) => ({
      group,
      ...bill(sum, samples?.of(group) ?? null),
    })),
    days: [...daily.days].map(([day, sum]) => ({
      day,
      ...lineOf(sum),
      gate: sumGate(daily.gate.get(day) ?? []),
    })),
    months: [...daily.months].map(([each, sum]) => ({ month: each, ...lineOf(sum) })),
    handshakes: daily.handshakes.seen > 0 ? daily.handshakes : null,
    gate: sumGate([...daily.gate.values()].flat()),
    assumptions: [...ASSUMPTIONS],
  };
}

async function readDaily({ history }: ReportSources, month: string, rest: Rest): Promise<Daily> {
  const daily: Daily = {
    months: new Map(),
    days: new Map(),
    groups: new Map(),
    handshakes: { seen: 0, refused: 0 },
    gate: new Map(),
    firstDay: undefined,
  };
  for (const each of lastMonths(month, MONTHS)) {
    const { start, end } = boundsOf(each);
    await readSlice(history, { span: DAY, from: start, to: end }, rest, (row) =>
      addDay(daily, row, each === month),
    );
  }
  return daily;
}

function addDay(daily: Daily, row: HistoryRow, isReported: boolean): void {
  if (isReported) {
    daily.firstDay ??= row.start;
    daily.handshakes.seen += row.counts[ACTIVITY.handshakes];
    daily.handshakes.refused += row.counts[ACTIVITY.handshakes + 1];
  }
  if (isReported && row.counts[gateAt("seconds")] > 0) {
    const day = dayOf(row.start);
    daily.gate.set(day, [...(daily.gate.get(day) ?? []), row.counts]);
    addSum(daily.days, day, makeSum());
  }
  // Clients in no group are not the operator's, and their traffic is not.
  if (row.group === "") return;
  addTo(daily.months, monthOf(row.start), row);
  if (!isReported) return;
  addTo(daily.days, dayOf(row.start), row);
  addTo(daily.groups, row.group, row);
}

/** The samples of a month. @returns undefined if those of its beginning are not stored any more. */
async function readSamples(
  { history }: ReportSources,
  month: { start: number; to: number; firstDay: number | undefined; groups: ReadonlySet<string> },
  rest: Rest,
): Promise<PeakSamples | undefined> {
  let samples: PeakSamples | undefined;
  const end = month.to - (month.to % FIVE_MINUTES);
  for (let from = month.firstDay ?? end; from < end; from += SLICE_SECONDS) {
    const slice = { span: FIVE_MINUTES, from, to: Math.min(end, from + SLICE_SECONDS) };
    await readSlice(history, slice, rest, (row) => {
      if (row.group === "") return;
      samples ??= new PeakSamples(row.start, end, month.groups);
      samples.add(row);
    });
  }
  const isWhole =
    samples !== undefined && month.firstDay !== undefined && samples.start < month.firstDay + DAY;
  return isWhole ? samples : undefined;
}

async function readSlice(
  history: Sources["history"],
  { span, from, to }: { span: number; from: number; to: number },
  rest: Rest,
  read: (row: HistoryRow) => void,
): Promise<void> {
  const began = performance.now();
  const rows = await history(span, from, to);
  if (rows === undefined) throw new ReportUnavailable();
  for (const row of rows) read(row);
  await rest(performance.now() - began);
}

/** The names of the groups with a line of their own. */
function largestGroups(groups: ReadonlyMap<string, Sum>): ReadonlySet<string> {
  const inOrder = [...groups].sort((a, b) => bytesOf(b[1].ordinary) - bytesOf(a[1].ordinary));
  return new Set(inOrder.slice(0, GROUPS_LIMIT).map(([group]) => group));
}

/** The groups of the report: the largest, then the rest under the name "". */
function groupSums(groups: ReadonlyMap<string, Sum>, shown: ReadonlySet<string>): Map<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const group of shown) addSum(sums, group, groups.get(group) ?? makeSum());
  for (const [group, sum] of groups) if (!shown.has(group)) addSum(sums, "", sum);
  return sums;
}

function addTo(sums: Map<string, Sum>, key: string, { counts }: HistoryRow): void {
  const traffic = (at: number) => ({ downloaded: counts[at], uploaded: counts[at + 1] });
  addSum(sums, key, { external: traffic(ACTIVITY.outside), ordinary: traffic(ACTIVITY.random) });
}

function addSum(sums: Map<string, Sum>, key: string, more: Sum): void {
  const sum = sums.get(key) ?? makeSum();
  for (const which of ["external", "ordinary"] as const) {
    sum[which].downloaded += more[which].downloaded;
    sum[which].uploaded += more[which].uploaded;
  }
  sums.set(key, sum);
}

function makeSum(): Sum {
  return { external: { downloaded: 0, uploaded: 0 }, ordinary: { downloaded: 0, uploaded: 0 } };
}

function lineOf({ external, ordinary }: Sum): ReportLine {
  const avoidedBytes = bytesOf(ordinary) - bytesOf(external);
  const avoidedShare = bytesOf(ordinary) === 0 ? null : avoidedBytes / bytesOf(ordinary);
  return { external, ordinary, avoidedBytes, avoidedShare };
}

function bytesOf({ downloaded, uploaded }: Sum["external"]): number {
  return downloaded + uploaded;
}

function isoTime(seconds: number): string {
  return new Date(1000 * seconds).toISOString();
}
