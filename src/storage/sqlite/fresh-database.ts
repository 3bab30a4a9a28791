/** An empty SQLite database for a test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { SqliteDatabase } from "./sqlite-database.ts";

/** Makes one, with its tables, in a directory of its own; both are gone after the test. */
export async function openFreshDatabase(t: TestContext): Promise<SqliteDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "btrt-storage-"));
  const database = await SqliteDatabase.open(join(directory, "btrt.db"));
  t.after(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });
  await database.migrate();
  return database;
}
