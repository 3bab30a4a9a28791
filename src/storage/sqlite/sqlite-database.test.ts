import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { link, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, type TestContext, test } from "node:test";
import { testDatabase } from "../conformance.ts";
import { DatabaseError, type DatabaseFailure } from "../database.ts";
import { SCHEMA_VERSION } from "../schema.ts";
import { MIGRATIONS } from "./migrations.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { TrackerLock } from "./tracker-lock.ts";

function isFailure(failure: DatabaseFailure): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DatabaseError, String(error));
    assert.equal(error.failure, failure, error.message);
    return true;
  };
}

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "btrt-sqlite-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

describe("SQLite", () => {
  testDatabase(async (t) => {
    const path = join(await makeDirectory(t), "deep", "er", "btrt.db");
    await (await SqliteDatabase.open(path)).close();
    return {
      migrations: MIGRATIONS,
      repeatsSteps: false,
      open: () => SqliteDatabase.open(path),
      execute: async (statements) => {
        const database = new DatabaseSync(path);
        for (const sql of statements) database.exec(sql);
        database.close();
      },
      describeSchema: async () => {
        const database = new DatabaseSync(path);
        const rows = database
          .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
          .all();
        database.close();
        return rows.map(({ sql }) => String(sql));
      },
      goldenSchema: new URL("schema.golden.sql", import.meta.url),
    };
  });
});

test("one tracker at a time uses a file, by any name: a symbolic link, a hard link", async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, "btrt.db");
  const database = await SqliteDatabase.open(path);
  t.after(() => database.close());
  await database.migrate();
  await database.claim();
  await mkdir(join(directory, "other"));
  await symlink(path, join(directory, "other/symbolic.db"));
  await symlink("symbolic.db", join(directory, "other/twice.db"));
  await link(path, join(directory, "other/hard.db"));
  await symlink(directory, join(directory, "other/directory"));
  for (const name of ["symbolic.db", "twice.db", "directory/btrt.db"]) {
    const other = await SqliteDatabase.open(join(directory, "other", name));
    t.after(() => other.close());
    await assert.rejects(other.claim(), isFailure("claimed"), name);
    assert.equal(await other.version(), SCHEMA_VERSION, "looking is allowed");
  }
  await assert.rejects(TrackerLock.take(join(directory, "other/hard.db")), isFailure("claimed"));
});

test("closing a database releases its lock, under each of its names", async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, "btrt.db");
  const first = await SqliteDatabase.open(path);
  await first.claim();
  await first.close();
  await link(path, join(directory, "hard.db"));
  const second = await SqliteDatabase.open(join(directory, "hard.db"));
  t.after(() => second.close());
  await second.claim();
});

test("a deleted, replaced, truncated or overwritten file is noticed", async (t) => {
  const cases: [string, "moved" | "corrupt", (path: string) => Promise<void>][] = [
    ["deleted", "moved", (path) => rm(path)],
    ["renamed", "moved", (path) => rename(path, `${path}.away`)],
    ["replaced", "moved", (path) => writeFile(`${path}.new`, "").then(() => rename(`${path}.new`, path))],
    [
      "a directory",
      "moved",
      (path) =>
        rm(path)
          .then(() => mkdir(path))
          .then(() => {}),
    ],
    ["its directory", "moved", (path) => rm(dirname(path), { recursive: true })],
    ["cut", "corrupt", (path) => truncate(path, 0)],
    ["cut in the middle", "corrupt", (path) => truncate(path, 4096)],
    ["overwritten", "corrupt", (path) => writeFile(path, Buffer.alloc(200_000, "x"))],
  ];
  for (const [what, failure, harm] of cases) {
    const path = join(await makeDirectory(t), "deep", "btrt.db");
    const database = await SqliteDatabase.open(path);
    t.after(() => database.close().catch(() => {}));
    await database.migrate();
    await database.claim();
    await database.checkpoint();
    await database.verify();
    await harm(path);
    await assert.rejects(database.verify(), isFailure(failure), what);
  }
});

test("VACUUM is not mistaken for a truncated file", async (t) => {
  const path = join(await makeDirectory(t), "btrt.db");
  const database = await SqliteDatabase.open(path);
  t.after(() => database.close());
  await database.migrate();
  await database.claim();
  const rows = Array.from({ length: 2000 }, (_, i) => ({
    infoHash: Uint8Array.from({ length: 20 }, (_, at) => (at < 2 ? i >> (8 * at) : 7)),
    ...{ firstSeen: 1, lastSeen: 1, downloaded: 1, peers: new Uint8Array(0) },
  }));
  await database.writeSwarms(rows);
  await database.checkpoint();
  await database.verify();
  const { size } = statSync(path);
  assert.equal(await database.deleteInactive(2, 2000), 2000);
  const other = new DatabaseSync(path);
  other.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
  other.close();
  assert.ok(statSync(path).size < size);
  await database.verify();
});
