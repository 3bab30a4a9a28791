/** The conformance suite of databases. Each implementation has a test file that calls it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { ACTIVITY_WIDTH } from "../store/group-activity.ts";
import {
  BEFORE_ALL,
  type Database,
  DatabaseError,
  type GroupTotal,
  keyOf,
  type SwarmRow,
} from "./database.ts";
import { DAY, HOUR } from "./group-totals.ts";
import { COUNT_COLUMNS } from "./rows.ts";
import { type Migrations, SCHEMA_VERSION, stepsFrom } from "./schema.ts";

/** An empty place for a database. */
interface DatabasePlace {
  readonly migrations: Migrations;
  /** Whether a step that was interrupted stays applied in part, and is executed again as a whole. */
  readonly repeatsSteps: boolean;
  /** Opens the database at this place, again for each call. */
  open(): Promise<Database>;
  /** Executes statements by other means, one after the other. */
  execute(statements: readonly string[]): Promise<void>;
  /** Describes all tables, columns and indexes, a line each. */
  describeSchema(): Promise<readonly string[]>;
  /** The file with that description for every released version: {@link golden}. */
  readonly goldenSchema: URL;
}

/** Makes an empty place, which is removed after the test. */
export type MakePlace = (t: TestContext) => Promise<DatabasePlace>;

/** Counts of a total in version 2 of the schema. */
const FIRST_COUNTS = 11;

const PEERS = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0);

function hash(...bytes: number[]): Uint8Array {
  return Uint8Array.from({ length: 20 }, (_, i) => bytes[i] ?? 0);
}

function row(infoHash: Uint8Array, fields: Partial<SwarmRow> = {}): SwarmRow {
  return {
    infoHash,
    firstSeen: 1_000_000_000,
    lastSeen: 4_000_000_000,
    downloaded: 0,
    peers: PEERS,
    ...fields,
  };
}

function inactiveRow(infoHash: Uint8Array, lastSeen: number): SwarmRow {
  return row(infoHash, { lastSeen, peers: BEFORE_ALL });
}

function plain({ infoHash, peers, ...facts }: SwarmRow) {
  return { infoHash: [...infoHash], peers: [...peers], ...facts };
}

async function openMigrated(t: TestContext, place: DatabasePlace): Promise<Database> {
  const database = await place.open();
  t.after(() => database.close());
  await database.migrate();
  return database;
}

async function readAll(database: Database, live = false, limit = 100): Promise<SwarmRow[]> {
  const all: SwarmRow[] = [];
  for (;;) {
    const rows = await database.readSwarms(all.at(-1)?.infoHash ?? BEFORE_ALL, limit, live);
    if (rows.length === 0) return all;
    all.push(...rows);
  }
}

/** Registers the tests. */
export function testDatabase(makePlace: MakePlace): void {
  testSchema(makePlace);
  testClaims(makePlace);
  testSwarms(makePlace);
  testTotals(makePlace);
}

/** The descriptions of a golden file, by version. Each begins with the line `-- version N`. */
function readGolden(file: URL): readonly string[] {
  return readFileSync(file, "utf8")
    .split(/^-- version .*\n/m)
    .slice(1);
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}

function testSchema(makePlace: MakePlace): void {
  test("the steps make the schema that was released as each version", async (t) => {
    const place = await makePlace(t);
    const made: string[] = [];
    for (let version = 1; version <= SCHEMA_VERSION; version++) {
      await place.execute(stepsFrom(place.migrations, version - 1, version).flat());
      made.push(lines(await place.describeSchema()));
    }
    assert.deepEqual(made, readGolden(place.goldenSchema));
  });

  for (let from = 0; from <= SCHEMA_VERSION; from++) {
    test(`a schema of version ${from} is upgraded, with its rows`, async (t) => {
      const place = await makePlace(t);
      const steps = stepsFrom(place.migrations, 0, from).flat();
      await place.execute(steps);
      if (place.repeatsSteps) await place.execute(steps);
      const columns = "info_hash, first_seen, last_seen, downloaded, peers";
      const values = `X'${"41".repeat(20)}', 1, 2, 3, X'0102'`;
      if (from > 0) await place.execute([`INSERT INTO swarm (${columns}) VALUES (${values})`]);
      const counts = [...Array(FIRST_COUNTS).keys()];
      const totalColumns = ["span", "start", "peer_group", ...COUNT_COLUMNS.slice(0, FIRST_COUNTS)].join(
        ", ",
      );
      if (from > 1)
        await place.execute([
          `INSERT INTO group_total (${totalColumns}) VALUES (${DAY}, 0, 'ours', ${counts.join(", ")})`,
        ]);
      const database = await place.open();
      t.after(() => database.close());
      assert.equal(await database.version(), from);
      await database.migrate();
      assert.equal(await database.version(), SCHEMA_VERSION);
      assert.equal(lines(await place.describeSchema()), readGolden(place.goldenSchema)[SCHEMA_VERSION - 1]);
      const old = row(hash(...Array(20).fill(0x41)), {
        firstSeen: 1,
        lastSeen: 2,
        downloaded: 3,
        peers: Uint8Array.of(1, 2),
      });
      assert.deepEqual((await readAll(database)).map(plain), from > 0 ? [plain(old)] : []);
      await database.writeSwarms([row(hash(1))]);
      await database.addTotals([total()]);
      assert.equal((await database.readTotals(HOUR, 0)).length, 1);
      const oldCounts = total().counts.map((_, i) => counts[i] ?? 0);
      const oldTotal = total({ span: DAY, start: 0, counts: oldCounts });
      assert.deepEqual(await database.readTotals(DAY, 0), from > 1 ? [oldTotal] : []);
    });
  }

  test("migrating again changes nothing, and concurrent migrations exclude each other", async (t) => {
    const place = await makePlace(t);
    const databases = [await place.open(), await place.open(), await place.open()];
    t.after(() => Promise.all(databases.map((database) => database.close())));
    await Promise.all(databases.map((database) => database.migrate()));
    await databases[0].writeSwarms([row(hash(1))]);
    await databases[1].migrate();
    assert.equal((await readAll(databases[2])).length, 1);
    for (const database of databases) assert.equal(await database.version(), SCHEMA_VERSION);
  });

  test("a schema of a later version is recognized", async (t) => {
    const place = await makePlace(t);
    const database = await openMigrated(t, place);
    await place.execute([`INSERT INTO btrt_schema (version, applied_at) VALUES (${SCHEMA_VERSION + 5}, 1)`]);
    assert.equal(await database.version(), SCHEMA_VERSION + 5);
  });
}

function testClaims(makePlace: MakePlace): void {
  test("one tracker at a time claims the database; others can read it", async (t) => {
    const place = await makePlace(t);
    const first = await openMigrated(t, place);
    await first.claim();
    await first.writeSwarms([row(hash(1))]);
    const second = await place.open();
    t.after(() => second.close());
    assert.equal((await readAll(second)).length, 1);
    const isClaimed = (error: unknown) => error instanceof DatabaseError && error.failure === "claimed";
    await assert.rejects(second.claim(), isClaimed);
    await first.close();
    const third = await place.open();
    t.after(() => third.close());
    await third.claim();
  });
}

function testSwarms(makePlace: MakePlace): void {
  test("swarms are read in order, page by page, as last written", async (t) => {
    const database = await openMigrated(t, await makePlace(t));
    const hashes = [
      hash(0),
      hash(0, 1),
      hash(0x7f, 0xff),
      hash(0x80),
      hash(0xff, 0xff),
      hash(...Array(20).fill(0xff)),
    ];
    await database.writeSwarms(hashes.toReversed().map((infoHash) => row(infoHash)));
    const last = hashes.map((infoHash, i) =>
      row(infoHash, {
        firstSeen: i,
        lastSeen: 4_000_000_000 + i,
        downloaded: 2 ** 32 - 1 - i,
        peers: hash(i),
      }),
    );
    await database.writeSwarms(last);
    for (const limit of [1, 4, 6, 7]) {
      assert.deepEqual((await readAll(database, false, limit)).map(plain), last.map(plain));
    }
    const facts = await database.readFacts([hashes[2], hash(9), hashes[0]]);
    assert.deepEqual(
      facts,
      new Map(
        [0, 2].map((i) => [
          keyOf(hashes[i]),
          { firstSeen: i, lastSeen: 4_000_000_000 + i, downloaded: 2 ** 32 - 1 - i },
        ]),
      ),
    );
    assert.deepEqual(await database.readFacts([]), new Map());
    await database.writeSwarms([]);
  });

  test("inactive swarms are not among the live ones, and the oldest are deleted first", async (t) => {
    const database = await openMigrated(t, await makePlace(t));
    const rows = [
      inactiveRow(hash(1), 30),
      row(hash(2)),
      inactiveRow(hash(3), 10),
      inactiveRow(hash(4), 20),
      row(hash(5)),
    ];
    await database.writeSwarms(rows);
    assert.deepEqual((await readAll(database, true, 1)).map(plain), [rows[1], rows[4]].map(plain));
    const { swarms, inactive, bytes } = await database.size();
    assert.deepEqual([swarms, inactive, await database.countInactive()], [5, 3, 3]);
    assert.ok(bytes > 0);
    assert.equal(await database.deleteInactive(30, 1), 1);
    assert.deepEqual(
      (await readAll(database)).map(({ infoHash }) => infoHash[0]),
      [1, 2, 4, 5],
    );
    await database.writeSwarms([row(hash(4))]);
    assert.equal(await database.deleteInactive(30, 100), 0, "one that is back is not inactive");
    assert.equal(await database.deleteInactive(31, 100), 1);
    assert.deepEqual(
      (await readAll(database)).map(({ infoHash }) => infoHash[0]),
      [2, 4, 5],
    );
  });

  test("several swarms of the largest size are written at once", async (t) => {
    const database = await openMigrated(t, await makePlace(t));
    const large = new Uint8Array(7_000_000).map((_, i) => i * 7);
    await database.writeSwarms([
      row(hash(1), { peers: large }),
      row(hash(2)),
      row(hash(3), { peers: large }),
    ]);
    const rows = await readAll(database, true, 1);
    assert.deepEqual(
      rows.map(({ peers }) => peers.length),
      [large.length, PEERS.length, large.length],
    );
    assert.ok(Buffer.from(rows[2].peers).equals(large));
  });

  test("any sequence of writes leaves the rows that a map would hold", async (t) => {
    const database = await openMigrated(t, await makePlace(t));
    const swarm = fc.record({
      infoHash: fc
        .uint8Array({ minLength: 20, maxLength: 20, max: 2 })
        .map((bytes) => hash(...bytes.subarray(0, 3))),
      firstSeen: fc.nat(),
      lastSeen: fc.nat(),
      downloaded: fc.nat(),
      peers: fc.uint8Array({ maxLength: 50 }),
    });
    const known = new Map<string, SwarmRow>();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(swarm, { selector: ({ infoHash }) => keyOf(infoHash) }),
        async (rows) => {
          await database.writeSwarms(rows);
          for (const written of rows) known.set(keyOf(written.infoHash), written);
          const expected = [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kept]) => plain(kept));
          assert.deepEqual((await readAll(database, false, 5)).map(plain), expected);
        },
      ),
      { numRuns: 30 },
    );
  });
}

function total(fields: Partial<GroupTotal> = {}): GroupTotal {
  const counts = Array.from({ length: ACTIVITY_WIDTH }, (_, i) => 2 ** 50 + i);
  return { span: HOUR, start: 3600, group: "ours", counts, ...fields };
}

function testTotals(makePlace: MakePlace): void {
  test("totals add up, by span, time and group", async (t) => {
    const database = await openMigrated(t, await makePlace(t));
    const names = ["", "Ours", "ours", "ÖÄ 😀'\"\\", "x".repeat(5000)];
    const both = [
      ...names.map((group) => total({ group })),
      total({ start: 7200 }),
      total({ span: DAY, start: 0 }),
    ];
    await database.addTotals(both);
    await database.addTotals([total({ start: 7200, counts: total().counts.map((_, i) => i) })]);
    const hours = await database.readTotals(HOUR, 3600);
    const first = hours.filter(({ start }) => start === 3600);
    assert.deepEqual(
      new Set(first.map(({ group }) => group)),
      new Set([...names.slice(0, 4), "x".repeat(190)]),
    );
    const sum = total({ start: 7200, counts: total().counts.map((count, i) => count + i) });
    assert.deepEqual(await database.readTotals(HOUR, 7200), [sum]);
    assert.deepEqual(await database.readTotals(HOUR, 3600, 7200), hours.slice(0, -1));
    assert.deepEqual(await database.readTotals(DAY, 0), [total({ span: DAY, start: 0 })]);
    await database.deleteTotals(HOUR, 7200);
    assert.deepEqual(await database.readTotals(HOUR, 0), [sum]);
    assert.equal((await database.readTotals(DAY, 0)).length, 1);
  });

  test("totals can be replaced", async (t) => {
    const database = await openMigrated(t, await makePlace(t));
    await database.addTotals([total(), total({ group: "ÖÄ 😀'\"\\" })]);
    const replaced = [total({ counts: total().counts.map((_, i) => i) }), total({ start: 7200 })];
    await database.replaceTotals(replaced);
    await database.replaceTotals([total({ group: "ÖÄ 😀'\"\\", start: 7200 })]);
    const stored = await database.readTotals(HOUR, 0);
    assert.equal(stored.length, 4);
    assert.deepEqual(
      stored.filter(({ group }) => group === "ours"),
      replaced,
    );
  });
}
