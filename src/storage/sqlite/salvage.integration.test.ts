import assert from "node:assert/strict";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { ACTIVITY, ACTIVITY_WIDTH } from "../../store/group-activity.ts";
import {
  BEFORE_ALL,
  type Database,
  DatabaseError,
  type GroupTotal,
  keyOf,
  type SwarmRow,
} from "../database.ts";
import { HOUR } from "../group-totals.ts";
import { stepsFrom } from "../schema.ts";
import { MIGRATIONS } from "./migrations.ts";
import { replaceDamaged } from "./replace-file.ts";
import { totalSum } from "./row-sums.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

const SWARMS = 600;
const TOTALS = 150;
const PAGE = 4096;
/** Hours are deleted at first, so that there are free pages. */
const PURGED = 300;

let directory = "";
/** A database, as it was closed, and with a log that was not written back. */
let whole = Buffer.alloc(0);
let log = Buffer.alloc(0);
let beforeLog = Buffer.alloc(0);
const swarms = new Map<string, string>();
const totals = new Map<string, string>();
/** Pages by what they are for, from 1 on. */
const pages = new Map<string, number[]>();

function swarm(i: number, generation: number): SwarmRow {
  const infoHash = new Uint8Array(20).map((_, at) => (Math.imul(i + 1, 0x9e3779b1) >>> (8 * (at % 4))) ^ at);
  // Some are on several pages, and some are inactive.
  const length = i % 100 === 0 ? 9000 : i % 3 === 0 ? 0 : 9 + 10 * (i % 40);
  const peers = new Uint8Array(length).map((_, at) => i * 31 + at * 7 + generation);
  return {
    infoHash,
    firstSeen: 1000 + i,
    lastSeen: 5000 + i + generation,
    downloaded: i * generation,
    peers,
  };
}

function total(i: number): GroupTotal {
  const counts = Array.from({ length: ACTIVITY_WIDTH }, (_, at) => i * 1000 + at * 2 ** 40);
  return { span: HOUR, start: i * HOUR, group: `group ${i % 3} é`, counts };
}

function text(row: SwarmRow | GroupTotal): string {
  return JSON.stringify(row, (_, value) => (value instanceof Uint8Array ? [...value].join() : value));
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "btrt-salvage-"));
  const path = join(directory, "btrt.db");
  const database = await SqliteDatabase.open(path);
  await database.migrate();
  const all = Array.from({ length: SWARMS }, (_, i) => i);
  for (let i = 0; i < PURGED; i++)
    await database.writeSwarms([{ ...swarm(SWARMS + i, 0), lastSeen: 1, peers: BEFORE_ALL }]);
  await database.writeSwarms(all.map((i) => swarm(i, 0)));
  await database.addTotals(Array.from({ length: TOTALS }, (_, i) => total(i)));
  assert.equal(await database.deleteInactive(2, 10 * PURGED), PURGED);
  await database.checkpoint();
  beforeLog = readFileSync(path);
  await database.writeSwarms(all.map((i) => swarm(i, i % 3)));
  log = readFileSync(`${path}-wal`);
  await database.close();
  whole = readFileSync(path);
  for (const i of all) swarms.set(keyOf(swarm(i, 0).infoHash), text(swarm(i, i % 3)));
  for (let i = 0; i < TOTALS; i++) totals.set(`${i}`, text(total(i)));
  findPages(path);
});
after(() => rm(directory, { recursive: true }));

function findPages(path: string): void {
  const sqlite = new DatabaseSync(path, { readOnly: true });
  for (const { name, pageno, pagetype } of sqlite
    .prepare("SELECT name, pageno, pagetype FROM dbstat")
    .all()) {
    const kind = `${name} ${pagetype}`;
    pages.set(kind, [...(pages.get(kind) ?? []), Number(pageno)]);
  }
  const used = new Set([...pages.values()].flat());
  const free = Array.from({ length: whole.length / PAGE }, (_, i) => i + 1).filter((page) => !used.has(page));
  pages.set("free", free);
  sqlite.close();
}

/** What a database has of what was there; nothing else may be in it. @returns how many swarms and totals. */
async function check(database: Database): Promise<[number, number]> {
  const rows: SwarmRow[] = await database.readSwarms(BEFORE_ALL, 100_000, false);
  for (const row of rows) assert.equal(text(row), swarms.get(keyOf(row.infoHash)));
  const hours = await database.readTotals(HOUR, 0);
  for (const hour of hours) assert.equal(text(hour), totals.get(`${hour.start / HOUR}`));
  return [rows.length, hours.length];
}

let copies = 0;

/** Salvages a copy of the database that was damaged. @returns how many swarms and totals it has then. */
async function salvaged(bytes: Buffer, wal = Buffer.alloc(0)): Promise<[number, number]> {
  const path = join(directory, `copy-${copies++}.db`);
  writeFileSync(path, bytes);
  if (wal.length > 0) writeFileSync(`${path}-wal`, wal);
  const { replacement, database } = await replaceDamaged(path, "now");
  assert.deepEqual(readFileSync(`${path}.damaged-now`), bytes);
  const found = await check(database);
  assert.deepEqual([replacement.swarms, replacement.totals], found);
  await database.close();
  for (const suffix of ["", "-wal", ".damaged-now", ".damaged-now-wal", ".lock"])
    rmSync(path + suffix, { force: true });
  return found;
}

function withPage(page: number, fill: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(whole);
  fill(bytes.subarray((page - 1) * PAGE, page * PAGE));
  return bytes;
}

const HARM: [string, (page: Buffer) => void][] = [
  ["zeros", (page) => page.fill(0)],
  ["noise", (page) => page.set(page.map((_, i) => Math.imul(i + 7, 0x9e3779b1) >>> 24))],
  ["a lost second half", (page) => page.fill(0, PAGE / 2)],
];

for (const [harm, fill] of HARM) {
  test(`${harm} on one page of any kind lose exactly the rows on it`, async () => {
    // Rows that one page can hold, of these or at least.
    const most = Math.floor(PAGE / 40);
    for (const [kind, numbers] of pages) {
      for (const page of [numbers[0], numbers[numbers.length - 1]]) {
        const [left, hours] = await salvaged(withPage(page, fill));
        const says = `${kind}, page ${page}: ${left} swarms, ${hours} totals`;
        const isOfSwarms = /^swarm (leaf|internal|overflow)/.test(kind);
        const isOfTotals = /^group_total (leaf|internal)/.test(kind);
        assert.ok(isOfSwarms ? left >= SWARMS - most : left === SWARMS, says);
        assert.ok(isOfTotals ? hours >= TOTALS - most : hours === TOTALS, says);
        if (isOfSwarms && kind.includes("overflow") && harm !== "a lost second half")
          assert.equal(left, SWARMS - 1, says);
      }
    }
  });
}

test("the test file has pages of every kind", () => {
  const kinds = [
    "swarm leaf",
    "swarm internal",
    "swarm overflow",
    "swarm_quiet leaf",
    "group_total leaf",
    "free",
  ];
  for (const kind of [...kinds, "sqlite_schema leaf", "btrt_schema leaf", "swarm_quiet internal"])
    assert.ok((pages.get(kind)?.length ?? 0) > 0, `${kind} of ${[...pages.keys()]}`);
});

test("pages in the write-ahead log replace those in the file", async () => {
  assert.deepEqual(await salvaged(beforeLog, log), [SWARMS, TOTALS]);
  assert.deepEqual(await salvaged(Buffer.alloc(0), log.subarray(0, 1)), [0, 0]);
  const [root] = pages.get("sqlite_schema leaf") ?? [];
  const bytes = Buffer.from(beforeLog).fill(0, (root - 1) * PAGE, root * PAGE);
  assert.deepEqual(await salvaged(bytes, log), [SWARMS, TOTALS]);
});

test("any damage: no row is invented, and salvage terminates", { timeout: 120_000 }, async () => {
  const place = fc.nat({ max: whole.length - 1 });
  const damage = fc.oneof(
    fc.record({ kind: fc.constant("flip" as const), at: place, bits: fc.integer({ min: 1, max: 255 }) }),
    fc.record({
      kind: fc.constant("noise" as const),
      at: place,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 9000 }),
    }),
    fc.record({ kind: fc.constant("copy" as const), at: place, from: place, length: fc.nat({ max: 9000 }) }),
    fc.record({ kind: fc.constant("cut" as const), at: place }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 40 }), async (damages) => {
      let bytes = Buffer.from(whole);
      for (const each of damages) {
        if (each.kind === "flip") bytes[each.at] ^= each.bits;
        else if (each.kind === "noise")
          bytes.set(
            each.bytes.subarray(0, Math.max(0, bytes.length - each.at)),
            Math.min(each.at, bytes.length),
          );
        else if (each.kind === "copy") bytes.copyWithin(each.at, each.from, each.from + each.length);
        else if (damages.length % 5 === 0) bytes = bytes.subarray(0, Math.max(each.at, PAGE));
      }
      await salvaged(bytes);
    }),
    { numRuns: 40 },
  );
});

test("any damage: opening is refused, or reads only rows that were written", {
  timeout: 120_000,
}, async () => {
  const flips = fc.array(fc.record({ at: fc.nat({ max: whole.length - 1 }), byte: fc.nat({ max: 255 }) }), {
    minLength: 1,
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(flips, async (changes) => {
      const path = join(directory, `opened-${copies++}.db`);
      copyFileSync(join(directory, "btrt.db"), path);
      const bytes = Buffer.from(whole);
      for (const { at, byte } of changes) bytes[at] = byte;
      writeFileSync(path, bytes);
      try {
        const database = await SqliteDatabase.open(path);
        try {
          await database.readSwarms(BEFORE_ALL, 100_000, false);
          await database.readTotals(HOUR, 0);
        } finally {
          await database.close();
        }
      } catch (error) {
        assert.ok(error instanceof DatabaseError, String(error));
      }
      for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    }),
    { numRuns: 40 },
  );
});

test("totals of schema version 5 are salvaged: they have fewer counts", async () => {
  const path = join(directory, "version-5.db");
  const old = new DatabaseSync(path);
  for (const sql of stepsFrom(MIGRATIONS, 0, 5).flat()) old.exec(sql);
  const counts = total(7).counts.slice(0, ACTIVITY.gate);
  const values = [HOUR, 0, "ours", ...counts];
  const insert = old.prepare(`INSERT INTO group_total VALUES (${values.map(() => "?").join(", ")}, ?)`);
  insert.run(...values, totalSum({ span: HOUR, start: 0, group: "ours", counts }));
  old.close();
  const { database } = await replaceDamaged(path, "now");
  const whole = [...counts, ...new Array<number>(ACTIVITY_WIDTH - counts.length).fill(0)];
  assert.deepEqual(await database.readTotals(HOUR, 0), [
    { span: HOUR, start: 0, group: "ours", counts: whole },
  ]);
  await database.close();
});
