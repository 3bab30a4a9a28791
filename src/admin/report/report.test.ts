import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVITY, ACTIVITY_WIDTH, type GateActivity, gateAt } from "../../store/group-activity.ts";
import { ApiError } from "../api-error.ts";
import type { HistoryRow } from "../sources.ts";
import { Reporter } from "./answer-report.ts";
import { formatCsv } from "./csv.ts";
import { formatHtml } from "./html.ts";
import { boundsOf, lastMonths } from "./months.ts";
import { type Report, reportSchema } from "./report.ts";
import { readReport } from "./report-reader.ts";

const DAY = 86_400;
const NOVEMBER = boundsOf("2026-11");
/** Five minutes at 1 Mbit/s. */
const MEGABIT = 1e6 * (300 / 8);

const noRest = async () => {};

/** Totals of a group: bytes in and out with an ordinary tracker, and half of them as external traffic. */
function row(start: number, group: string, inBytes: number, outBytes = 0): HistoryRow {
  const counts = new Array<number>(ACTIVITY_WIDTH).fill(0);
  counts[ACTIVITY.random] = inBytes;
  counts[ACTIVITY.random + 1] = outBytes;
  counts[ACTIVITY.outside] = inBytes / 2;
  counts[ACTIVITY.outside + 1] = outBytes / 2;
  return { start, group, counts };
}

/** Totals of the gate, as they are in the row of no group. */
function gateRow(start: number, counted: readonly (readonly [GateActivity, number])[]): HistoryRow {
  const counts = new Array<number>(ACTIVITY_WIDTH).fill(0);
  for (const [what, count] of counted) counts[gateAt(what)] = count;
  return { start, group: "", counts };
}

/** A database with these rows, by span. */
function sourcesWith(
  rows: Readonly<Record<number, readonly HistoryRow[]>>,
  { now = NOVEMBER.end + DAY, price = 0.5 as number | null, currency = "EUR" } = {},
) {
  return {
    version: "1.2.3",
    history: async (span: number, from: number, to = Number.POSITIVE_INFINITY) =>
      (rows[span] ?? []).filter(({ start }) => start >= from && start < to),
    counted: () => ({ now, startedAt: 0, savedAt: now }),
    reportPrice: () => ({ pricePerMbit: price, currency }),
  };
}

/** A month in which a group has 10 Mbit/s, and 100 Mbit/s in so many of the intervals. */
function monthWithBusy(busy: number): HistoryRow[] {
  const intervals = (NOVEMBER.end - NOVEMBER.start) / 300;
  return Array.from({ length: intervals }, (_, i) =>
    row(NOVEMBER.start + 300 * i, "ours", (i % intervals < busy ? 100 : 10) * MEGABIT, MEGABIT),
  );
}

test("the peak is the 95th percentile of the month: its busiest 36 hours are free", async () => {
  const daily = [row(NOVEMBER.start, "ours", 1000)];
  const free = await readReport(
    sourcesWith({ 300: monthWithBusy(432), [DAY]: daily }),
    "2026-11",
    "h",
    noRest,
  );
  assert.deepEqual(free.total.peak, { ordinary: 10, external: 5, avoided: 5 });
  assert.equal(free.total.money, 2.5);
  const busy = await readReport(
    sourcesWith({ 300: monthWithBusy(433), [DAY]: daily }),
    "2026-11",
    "h",
    noRest,
  );
  assert.deepEqual(busy.total.peak, { ordinary: 100, external: 50, avoided: 50 });
  assert.deepEqual(busy.groups[0].peak, busy.total.peak);
  assert.equal(busy.isComplete, true);
});

test("the peak is that of the busier direction, and of all groups at the same time", async () => {
  const start = NOVEMBER.start;
  const to = start + 20 * 300;
  const rows = Array.from({ length: 20 }, (_, i) => [
    row(start + 300 * i, "a", MEGABIT, 8 * MEGABIT),
    row(start + 300 * i, "b", 4 * MEGABIT, MEGABIT),
    row(start + 300 * i, "", 1000 * MEGABIT),
  ]).flat();
  const daily = [row(start, "a", 5), row(start, "b", 7), row(start, "", 1e12)];
  const report = await readReport(
    sourcesWith({ 300: rows, [DAY]: daily }, { now: to }),
    "2026-11",
    "h",
    noRest,
  );
  assert.equal(report.total.peak?.ordinary, 9, "out: 8 and 1; clients in no group are not the operator's");
  assert.deepEqual(
    report.groups.map(({ group, peak, ordinary }) => [group, peak?.ordinary, ordinary.downloaded]),
    [
      ["b", 4, 7],
      ["a", 8, 5],
    ],
  );
  assert.equal(report.isComplete, false);
});

test("bytes add up by month and day; handshakes are those of the reported month", async () => {
  const october = boundsOf("2026-10").start + 5 * DAY;
  const daily = [
    row(october, "ours", 100, 20),
    row(NOVEMBER.start, "ours", 10),
    row(NOVEMBER.start, "theirs", 30),
    row(NOVEMBER.start + DAY, "ours", 4, 2),
    row(NOVEMBER.start + DAY, "", 0),
    row(NOVEMBER.end, "ours", 1e9),
  ];
  (daily[4].counts as number[])[ACTIVITY.handshakes] = 50;
  (daily[4].counts as number[])[ACTIVITY.handshakes + 1] = 20;
  const report = await readReport(sourcesWith({ [DAY]: daily }), "2026-11", "h", noRest);
  assert.deepEqual(
    report.months.map(({ month, avoidedBytes }) => [month, avoidedBytes]),
    [
      ["2026-10", 60],
      ["2026-11", 23],
    ],
  );
  assert.deepEqual(
    report.days.map(({ day, avoidedBytes, avoidedShare }) => [day, avoidedBytes, avoidedShare]),
    [
      ["2026-11-01", 20, 0.5],
      ["2026-11-02", 3, 0.5],
    ],
  );
  assert.deepEqual(report.handshakes, { seen: 50, refused: 20 });
  assert.deepEqual([report.total.peak, report.total.money], [null, null], "no totals of five minutes");
});

/** Two days with the gate, and one without. */
async function reportWithGate(): Promise<Report> {
  const daily = [
    row(NOVEMBER.start, "ours", 100),
    row(NOVEMBER.start + DAY, "ours", 100),
    gateRow(NOVEMBER.start + DAY, [
      ["seconds", 1000],
      ["torrentSeconds", 50_000],
      ["endpointSeconds", 200_000],
      ["seenHandshakeOut", 10],
      ["refusedHandshakeOut", 4],
      ["seenFarOut", 3],
      ["refusedFarOut", 3],
      ["onlyCounted", 8],
      ["exempted", 1],
    ]),
    gateRow(NOVEMBER.start + 2 * DAY, [
      ["seconds", 3000],
      ["torrentSeconds", 30_000],
      ["seenHandshakeOut", 10],
    ]),
    gateRow(NOVEMBER.end, [
      ["seconds", 1],
      ["refusedFarOut", 1e9],
    ]),
  ];
  return reportSchema.parse(await readReport(sourcesWith({ [DAY]: daily }), "2026-11", "h", noRest));
}

test("what the gate refused is there by day and in sum, with averages of what was gated", async () => {
  const { gate, days } = await reportWithGate();
  assert.deepEqual(
    days.map(({ day, gate }) => [day, gate?.torrents, gate?.endpoints, gate?.refused, gate?.exempted]),
    [
      ["2026-11-01", undefined, undefined, undefined, undefined],
      ["2026-11-02", 50, 200, 7, 1],
      ["2026-11-03", 10, 0, 0, 0],
    ],
  );
  assert.deepEqual([gate?.torrents, gate?.endpoints, gate?.refused, gate?.onlyCounted], [20, 50, 7, 8]);
  assert.deepEqual(gate?.connections[0], { reason: "handshake", direction: "out", seen: 20, refused: 4 });
});

test("the refusals of the gate are in the HTML and in the CSV", async () => {
  const report = await reportWithGate();
  const html = formatHtml(report);
  assert.match(html, /7 connections with the outside were refused/);
  assert.match(html, /20 torrents were gated, and 50 clients/);
  assert.match(html, /only count would have refused 8/);
  assert.match(
    html,
    /<th scope="row">BitTorrent handshakes, outgoing<\/th><td>20<\/td><td>4<\/td><td>20\.0 %<\/td>/,
  );
  assert.doesNotMatch(formatHtml({ ...report, gate: null }), /Refused connections/);
  const [heads, ...lines] = formatCsv(report).trimEnd().split("\r\n");
  const column = heads.split(",").indexOf("gated_torrents");
  const gateOf = (line: string) => line.split(",").slice(column);
  assert.deepEqual(gateOf(lines[0]), ["20", "50", "7", "8", "1"]);
  const day = lines.find((line) => line.startsWith("day,2026-11-02")) ?? "";
  assert.deepEqual(gateOf(day), ["50", "200", "7", "8", "1"]);
  assert.deepEqual(gateOf(lines.find((line) => line.startsWith("day,2026-11-01")) ?? ""), [
    "",
    "",
    "",
    "",
    "",
  ]);
  assert.ok(lines.some((line) => line.startsWith("gate_handshake_out_refused,4,")));
});

test("the groups beyond the fiftieth share a line, and the lines add up", async () => {
  const daily = Array.from({ length: 60 }, (_, i) => row(NOVEMBER.start, `group ${i}`, 2 * (i + 1)));
  const five = Array.from({ length: 60 }, (_, i) => row(NOVEMBER.start, `group ${i}`, MEGABIT));
  const sources = sourcesWith({ [DAY]: daily, 300: five }, { now: NOVEMBER.start + 600 });
  const { groups, total } = await readReport(sources, "2026-11", "h", noRest);
  assert.equal(groups.length, 51);
  assert.deepEqual([groups[0].group, groups[50].group], ["group 59", ""]);
  assert.equal(groups[50].peak?.ordinary, 10);
  assert.equal(
    groups.reduce((sum, { avoidedBytes }) => sum + avoidedBytes, 0),
    total.avoidedBytes,
  );
});

async function exampleReport(group: string, price: number | null): Promise<Report> {
  const rows = {
    [DAY]: [row(NOVEMBER.start, group, 4e12)],
    300: [row(NOVEMBER.start, group, 1000 * MEGABIT)],
  };
  const sources = sourcesWith(rows, { now: NOVEMBER.start + 300, price });
  return reportSchema.parse(await readReport(sources, "2026-11", "host", noRest));
}

test("the HTML needs nothing else, and escapes names", async () => {
  const html = formatHtml(await exampleReport('<b>"&', 0.5));
  assert.doesNotMatch(html, /<b>|<script|https?:|url\(|src=|href=/);
  assert.match(html, /&lt;b&gt;&quot;&amp;/);
  assert.match(html, /2 TB/);
  assert.match(html, /500 Mbit\/s/);
  assert.match(html, /250\.00 EUR/);
  assert.match(html, /Part of the month/);
  assert.doesNotMatch(formatHtml(await exampleReport("x", null)), /EUR|Saved/);
});

test("a month without data says so, in every format", async () => {
  const report = await readReport(sourcesWith({}), "2026-11", "host", noRest);
  assert.equal(report.from, null);
  assert.match(formatHtml(report), /There is no data of this month/);
  assert.match(formatCsv(report), /^kind,.*\r\ntotal,2026-11,0,,/);
});

test("the CSV has a line for the month, each group, day and month, and no formulas", async () => {
  const lines = formatCsv(await exampleReport('=1+"2",3', 0.5)).split("\r\n");
  assert.deepEqual(
    lines.map((line) => line.split(",")[0]),
    ["kind", "total", "group", "day", "month", ""],
  );
  assert.match(lines[2], /^group,"'=1\+""2"",3",2000000000000,0\.5,/);
  assert.match(lines[2], /,500,500,1000,250,EUR,,,,,$/);
  const fields = (line: string) => line.replace(/"(?:[^"]|"")*"/g, "").split(",").length;
  assert.ok(lines.slice(0, -1).every((line) => fields(line) === fields(lines[0])));
});

test("one report is made at a time, and the future has none", async () => {
  const reporter = new Reporter(sourcesWith({ [DAY]: [row(NOVEMBER.start, "ours", 8)] }));
  const ask = (month: string, format: "json" | "csv" = "json") => reporter.answer({ month, format });
  const refusal = (status: number) => (error: unknown) =>
    error instanceof ApiError && error.status === status;
  const [first, second] = [ask("2026-11"), ask("2026-11", "csv")];
  await assert.rejects(ask("2026-10"), refusal(503));
  await Promise.all([first, second]);
  await ask("2026-10");
  await assert.rejects(ask("2027-01"), refusal(400));
  const unavailable = new Reporter({ ...sourcesWith({}), history: async () => undefined });
  await assert.rejects(unavailable.answer({ format: "json" }), refusal(503));
});

test("months are counted across a new year", () => {
  assert.deepEqual(lastMonths("2026-02", 4), ["2025-11", "2025-12", "2026-01", "2026-02"]);
});
