import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVITY, ACTIVITY_WIDTH, gateAt } from "../store/group-activity.ts";
import { readHistory } from "./history.ts";
import type { HistoryRow } from "./sources.ts";

const HOUR = 3600;
const DAY = 86_400;
/** Ten minutes after noon. */
const NOW = 20_000 * DAY + 12 * HOUR + 600;

function row(start: number, group = "ours"): HistoryRow {
  const counts = new Array<number>(ACTIVITY_WIDTH).fill(0);
  counts[ACTIVITY.random] = 100;
  return { start, group, counts };
}

/** Of a database with these rows by span, when this process started an hour before `now`, unless told otherwise. */
function sourcesWith(rows: Readonly<Record<number, readonly HistoryRow[]>>, startedAt = NOW - HOUR) {
  return {
    history: async (span: number, from: number) => (rows[span] ?? []).filter(({ start }) => start >= from),
    counted: () => ({ now: NOW, startedAt, savedAt: NOW - 20 }),
  };
}

test("the newest interval ends when it was last saved, the others a step after their start", async () => {
  const starts = [NOW - 900, NOW - 600, NOW - 600, NOW - 300];
  const rows = starts.map((start, i) => row(start - (start % 300), i === 2 ? "theirs" : "ours"));
  const history = await readHistory(sourcesWith({ 300: rows }), { span: "hour" });
  assert.equal(history?.until, NOW - 20);
  const points = history?.points ?? [];
  assert.deepEqual(
    points.map(({ start, from, to }) => [start - NOW, from - start, to - start]),
    [
      [-900, 0, 300],
      [-600, 0, 300],
      [-300, 0, 280],
    ],
  );
});

test("the first interval of all begins with the tracker", async () => {
  const begin = NOW - 2 * 300 + 100;
  const rows = { 300: [row(NOW - 600), row(NOW - 300)], [HOUR]: [row(NOW - 600)] };
  const hour = await readHistory(sourcesWith(rows, begin), { span: "hour" });
  assert.equal(hour?.points[0].from, begin);
  const noon = NOW - 600;
  const day = await readHistory(sourcesWith({ ...rows, [HOUR]: [row(noon)] }, begin), { span: "day" });
  assert.deepEqual([day?.points[0].from, day?.points[0].to], [begin, NOW - 20]);
});

test("after a restart the first interval begins with the first five minutes", async () => {
  const morning = NOW - (NOW % DAY);
  const rows = { 300: [row(morning + 9 * HOUR), row(NOW - 300)], [DAY]: [row(morning)] };
  const month = await readHistory(sourcesWith(rows, NOW - 60), { span: "month" });
  assert.deepEqual(
    month?.points.map(({ from, to }) => [from - morning, to - morning]),
    [[9 * HOUR, 12 * HOUR + 580]],
  );
});

test("an interval in the future is left out: the clock was set back", async () => {
  const history = await readHistory(sourcesWith({ 300: [row(NOW - 300), row(NOW + 300)] }), { span: "hour" });
  assert.deepEqual(
    history?.points.map(({ start }) => start - NOW),
    [-300],
  );
});

test("what the gate did is in the points of the time for which it was on", async () => {
  const start = NOW - (NOW % 300) - 600;
  const gate = row(start, "");
  const counts = gate.counts.map((count, i) =>
    i === gateAt("seconds")
      ? 100
      : i === gateAt("torrentSeconds")
        ? 250
        : i === gateAt("refusedEndpointIn")
          ? 9
          : count,
  );
  const rows = [row(start), { ...gate, counts }, row(start + 300)];
  const points = (await readHistory(sourcesWith({ 300: rows }), { span: "hour" }))?.points ?? [];
  assert.deepEqual(
    points.map((point) => [point.gate?.torrents, point.gate?.refused]),
    [
      [2.5, 9],
      [undefined, undefined],
    ],
  );
});
