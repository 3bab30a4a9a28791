import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, type TestContext, test } from "node:test";
import { testDatabase } from "../conformance.ts";
import { DatabaseError } from "../database.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { moveAside } from "./tracker-lock.ts";

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
      dialect: "sqlite",
      open: () => SqliteDatabase.open(path),
      execute: async (statements) => {
        const database = new DatabaseSync(path);
        for (const sql of statements) database.exec(sql);
        database.close();
      },
    };
  });
});

test("what is no database, or a damaged one, is told from what is away, and moved aside with its log", async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, "btrt.db");
  const isCorrupt = (error: unknown) => error instanceof DatabaseError && error.failure === "corrupt";
  await writeFile(path, "x".repeat(5000));
  await writeFile(`${path}-wal`, "");
  await assert.rejects(SqliteDatabase.open(path), isCorrupt);
  assert.equal(moveAside(path, "now"), `${path}.damaged-now`);
  assert.deepEqual((await readdir(directory)).filter((name) => !name.endsWith(".lock")).sort(), [
    "btrt.db.damaged-now",
    "btrt.db.damaged-now-wal",
  ]);
  await (await SqliteDatabase.open(path)).close();
  const isAway = (error: unknown) => error instanceof DatabaseError && error.failure === "away";
  await assert.rejects(SqliteDatabase.open(directory), isAway);
});

test("a database that is in use is not moved aside", async (t) => {
  const path = join(await makeDirectory(t), "btrt.db");
  const database = await SqliteDatabase.open(path);
  t.after(() => database.close());
  await database.claim();
  assert.throws(() => moveAside(path, "now"), DatabaseError);
  assert.equal(await database.version(), 0);
});
