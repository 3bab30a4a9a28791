import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVITY_WIDTH } from "../store/group-activity.ts";
import { BEFORE_ALL } from "./database.ts";
import { DAY, FIVE_MINUTES, HOUR } from "./group-totals.ts";
import { purge } from "./purge.ts";
import { openFreshDatabase } from "./sqlite/fresh-database.ts";

const NOW = 1_700_000_000;

test("rows that were inactive too long are deleted, then the oldest beyond the limit, and old totals; live swarms stay", async (t) => {
  const database = await openFreshDatabase(t);
  // Number i was last seen i hours ago; the first one has peers.
  const rows = Array.from({ length: 1500 }, (_, i) => ({
    infoHash: Uint8Array.from({ length: 20 }, (_, at) => (at === 0 ? i >> 8 : at === 1 ? i : 0)),
    firstSeen: 1,
    lastSeen: NOW - i * HOUR,
    downloaded: 0,
    peers: i === 1499 ? Uint8Array.of(1) : new Uint8Array(0),
  }));
  await database.writeSwarms(rows);
  const total = { group: "", counts: Array(ACTIVITY_WIDTH).fill(1) };
  const old = NOW - 100 * DAY;
  for (const start of [old, NOW]) {
    await database.addTotals([FIVE_MINUTES, HOUR, DAY].map((span) => ({ span, start, ...total })));
  }
  let rests = 0;
  const rest = async () => {
    rests++;
  };
  await purge(database, NOW, { inactiveSeconds: 1000 * HOUR, inactiveLimit: 700 }, rest);
  const left = await database.readSwarms(BEFORE_ALL, 2000, false);
  assert.deepEqual(
    left.map(({ lastSeen }) => (NOW - lastSeen) / HOUR),
    [...Array.from({ length: 700 }, (_, i) => i), 1499],
  );
  assert.ok(rests >= 3, "in slices");
  const starts = async (span: number) => (await database.readTotals(span, 0)).map(({ start }) => start);
  assert.deepEqual(await starts(FIVE_MINUTES), [NOW]);
  assert.deepEqual(await starts(HOUR), [NOW]);
  assert.deepEqual(await starts(DAY), [old, NOW]);
});
