import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAddress } from "../model/address-text.ts";
import { ACTIVITY, ACTIVITY_WIDTH, allocateActivity, returnedAt } from "../store/group-activity.ts";
import { TrackerFixture } from "../tracker/tracker-fixture.ts";
import { AFTER_ALL_TOTALS, type Database, DatabaseError, type GroupTotal } from "./database.ts";
import { DAY, FIVE_MINUTES, GroupTotals, HOUR, pagesOfTotals } from "./group-totals.ts";

const NOW = 1_700_000_000;
const HOUR_START = NOW - (NOW % HOUR);
const DAY_START = NOW - (NOW % DAY);

/** Takes totals, as a database would. */
class Taker {
  fails = false;
  readonly taken: GroupTotal[] = [];

  async write(totals: GroupTotals): Promise<GroupTotal[]> {
    this.taken.length = 0;
    const addTotals = async (rows: readonly GroupTotal[]) => {
      if (this.fails) throw new DatabaseError("unavailable", "unavailable");
      this.taken.push(...rows);
    };
    await totals.write({ addTotals } as Partial<Database> as Database);
    return this.taken;
  }
}

/** Group, announces, and when it began, of the hours. */
function hours(totals: readonly GroupTotal[]): unknown[] {
  return totals
    .filter(({ span }) => span === HOUR)
    .map(({ group, counts, start }) => [group, counts[ACTIVITY.announces], start]);
}

test("handshakes are counted without any announce", async () => {
  const activity = allocateActivity();
  const totals = new GroupTotals([allocateActivity(), activity]);
  totals.collect(NOW);
  activity[ACTIVITY.handshakes] = 5;
  activity[ACTIVITY.handshakes + 1] = 2;
  totals.collect(NOW);
  const day = (await new Taker().write(totals)).find(({ span }) => span === DAY);
  assert.deepEqual(day?.counts.slice(ACTIVITY.handshakes, ACTIVITY.gate), [5, 2]);
});

test("the counts of all workers are added up by span, each count once", async () => {
  const activity = [allocateActivity(), allocateActivity()];
  const totals = new GroupTotals(activity);
  const taker = new Taker();
  totals.rename([{ id: 7, name: "ours" }], NOW);
  assert.deepEqual(await taker.write(totals), []);
  const at = 7 * ACTIVITY_WIDTH;
  for (const [i, counts] of activity.entries()) {
    counts[at + ACTIVITY.announces] = 10 + i;
    counts[at + ACTIVITY.downloaded] = 1000;
    counts[at + ACTIVITY.uploaded] = 100;
    counts[at + returnedAt(0, 3)] = 5;
    counts[at + returnedAt(2, 3)] = 1;
    counts[at + ACTIVITY.outside] = 400.4;
    counts[at + ACTIVITY.random + 1] = 0.25;
  }
  activity[0][ACTIVITY.announces] = 3;
  totals.collect(NOW);
  const all = await taker.write(totals);
  const counted = [21, 2000, 200, 10, 0, 0, 0, 0, 0, 0, 2, 801, 0, 0, 1];
  const notCounted = new Array<number>(ACTIVITY_WIDTH - counted.length).fill(0);
  const ours = { group: "ours", counts: [...counted, ...notCounted] };
  assert.deepEqual(
    all.filter(({ group }) => group === "ours"),
    [
      { span: FIVE_MINUTES, start: NOW - (NOW % FIVE_MINUTES), ...ours },
      { span: HOUR, start: HOUR_START, ...ours },
      { span: DAY, start: DAY_START, ...ours },
    ],
  );
  assert.deepEqual(hours(all)[0], ["", 3, HOUR_START]);

  totals.collect(NOW);
  assert.deepEqual(await taker.write(totals), []);
  activity[1][at + ACTIVITY.announces]++;
  totals.collect(NOW);
  activity[1][at + ACTIVITY.announces]++;
  totals.collect(NOW + HOUR);
  assert.deepEqual(hours(await taker.write(totals)), [
    ["ours", 1, HOUR_START],
    ["ours", 1, HOUR_START + HOUR],
  ]);
});

test("counts under an old name stay with that name, and totals wait for the database", async () => {
  const activity = allocateActivity();
  const totals = new GroupTotals([activity]);
  const taker = new Taker();
  const at = 3 * ACTIVITY_WIDTH + ACTIVITY.announces;
  totals.rename([{ id: 3, name: "old" }], NOW);
  activity[at] = 5;
  totals.rename([{ id: 3, name: "new" }], NOW);
  activity[at] = 7;
  totals.collect(NOW);
  taker.fails = true;
  await assert.rejects(taker.write(totals), DatabaseError);
  activity[at] = 8;
  totals.collect(NOW);
  taker.fails = false;
  assert.deepEqual(hours(await taker.write(totals)), [
    ["old", 5, HOUR_START],
    ["new", 3, HOUR_START],
  ]);
});

test("waiting totals are limited: the oldest are dropped and counted", async () => {
  const activity = allocateActivity();
  const totals = new GroupTotals([activity]);
  for (let hour = 0; hour < 30_000; hour++) {
    activity[ACTIVITY.announces]++;
    totals.collect(NOW + hour * HOUR);
  }
  const kept = await new Taker().write(totals);
  assert.equal(kept.length, 20_000);
  assert.ok(totals.dropped > 0);
});

test("announces and peers given are counted for the requester's group, by the peer's tier", () => {
  const fixture = new TrackerFixture();
  for (const address of ["11.0.0.1", "12.0.0.1", "13.0.0.1", "14.0.0.1", "14.0.0.2"])
    fixture.announce(address);
  const { activity } = fixture;
  activity.fill(0);
  fixture.announce("11.0.0.1");
  fixture.announce("11.0.0.1", { event: 3 });
  const row = (address: string) => {
    const group = fixture.groups.groupOf(parseAddress(address));
    return [...activity.subarray(group * ACTIVITY_WIDTH, group * ACTIVITY_WIDTH + ACTIVITY.outside)];
  };
  assert.deepEqual(row("11.0.0.1"), [2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 2]);
  assert.deepEqual(row("14.0.0.1"), Array(ACTIVITY.outside).fill(0));
});

test("the pages of all totals have every time once, and small parts of the time that is stored", () => {
  const now = 1_800_000_123;
  for (const span of [FIVE_MINUTES, HOUR, DAY]) {
    const pages = pagesOfTotals(span, now);
    assert.equal(pages[0].from, 0);
    assert.equal(pages.at(-1)?.to, AFTER_ALL_TOTALS);
    for (const [i, page] of pages.entries()) if (i > 0) assert.equal(page.from, pages[i - 1].to);
    const stored = pages.filter(({ from, to }) => from > now - 62 * span && to <= now);
    assert.ok(stored.every(({ from, to }) => to - from === 24 * span));
  }
});
