/**
 * Replaces a database file that is damaged, deleted or moved. The new file is created beside the old one, and is complete
 * before it gets the name. So a failure in between can be retried.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { BEFORE_ALL, type Database, DatabaseError } from "../database.ts";
import type { CopyCounts, FileRepair, Replaced } from "../database-kind.ts";
import { DAY, FIVE_MINUTES, HOUR, pagesOfTotals } from "../group-totals.ts";
import { inspectPlace, makeFile, placeError, realPath } from "./place.ts";
import { hasSwarms, ROWS_AT_ONCE, salvage, writeInSlices } from "./salvage.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { lockFile, TrackerLock } from "./tracker-lock.ts";

/** The database file, its log, and the index of the log. */
const SUFFIXES = ["", "-wal", "-shm"];
const JOURNAL_SUFFIX = "-journal";

/** What storage does with the file of a SQLite database. */
export const FILE_REPAIR: FileRepair = {
  replaceDamaged,
  replaceMoved: (open, stamp) => replaceMoved(requireSqlite(open), stamp),
  copyBeside: (open, stamp) => copyBeside(requireSqlite(open), stamp),
};

function requireSqlite(open: Database): SqliteDatabase {
  if (open instanceof SqliteDatabase) return open;
  throw new TypeError(`${open.name} is not a SQLite database`);
}

/**
 * Creates a new file with the rows that can be read from a damaged one, and renames the damaged file. No process may have
 * it open.
 * @param stamp makes the names of files unique.
 * @throws DatabaseError, and nothing is renamed.
 */
export async function replaceDamaged(path: string, stamp: string): Promise<Replaced> {
  const real = realPath(path);
  const lock = await TrackerLock.take(real);
  try {
    const fresh = `${real}.salvaged-${stamp}`;
    const counts = await makeBeside(fresh, (database) => salvage(real, database));
    const keptAs = `${real}.damaged-${stamp}`;
    rename(real, keptAs);
    const database = await putInPlace(fresh, real, path);
    return { replacement: { ...counts, isWhole: false, keptAs }, database };
  } catch (error) {
    throw placeError(error, path);
  } finally {
    lock.release();
  }
}

/**
 * Creates a new file with all rows of an open database whose own file is not at its path any more, and closes the open
 * database.
 * @throws DatabaseError, and the open database stays open: `foreign` when another program's file is at the path,
 * `claimed` when another tracker's file is.
 */
async function replaceMoved(old: SqliteDatabase, stamp: string): Promise<Replaced> {
  const path = old.name;
  const real = realPath(path);
  const isThere = isOccupied(real);
  const lock = isThere ? await lockPlace(real) : undefined;
  const fresh = `${real}.rewritten-${stamp}`;
  try {
    const { isWhole, ...counts } = await makeBeside(fresh, (database) => copyAll(old, database));
    await old.checkpoint().catch(() => {});
    const keptAs = isThere ? `${real}.replaced-${stamp}` : null;
    if (keptAs === null) removeLogs(real);
    else rename(real, keptAs);
    if (!existsSync(old.realPath)) removeLogs(old.realPath);
    const database = await putInPlace(fresh, real, path);
    await old.close().catch(() => {});
    return { replacement: { ...counts, isWhole, keptAs }, database };
  } catch (error) {
    throw placeError(error, path);
  } finally {
    if (lock !== undefined) closeSync(lock);
  }
}

/** Copies an open database to a new file beside it. @throws DatabaseError */
async function copyBeside(old: SqliteDatabase, stamp: string): Promise<SqliteDatabase> {
  const path = `${old.realPath}.rescued-${stamp}`;
  await makeBeside(path, (database) => copyAll(old, database));
  return await SqliteDatabase.open(path);
}

/** Renames a new file to its path and opens it. The check of its id detects that it was replaced in between. */
async function putInPlace(fresh: string, real: string, path: string): Promise<SqliteDatabase> {
  const id = statSync(fresh, { bigint: true });
  renameSync(fresh, real);
  const database = await SqliteDatabase.open(path);
  if (database.isFile(id)) return database;
  await database.close();
  throw new DatabaseError("unavailable", `${path}: the new file was replaced, too`);
}

/** Creates and fills a database. @throws DatabaseError, and the file is removed. */
async function makeBeside<T>(path: string, fill: (database: SqliteDatabase) => Promise<T>): Promise<T> {
  if (existsSync(path)) throw new DatabaseError("unavailable", `${path}: there is such a file already`);
  makeFile(path);
  let database: SqliteDatabase | undefined;
  try {
    database = await SqliteDatabase.open(path);
    await database.migrate();
    const result = await fill(database);
    await database.close();
    return result;
  } catch (error) {
    await database?.close().catch(() => {});
    for (const suffix of [...SUFFIXES, JOURNAL_SUFFIX]) rmSync(path + suffix, { force: true });
    throw error;
  }
}

/** Whether a path has a file of ours, which may be damaged and may be renamed. @throws DatabaseError */
function isOccupied(real: string): boolean {
  try {
    return inspectPlace(real, hasSwarms) !== "absent";
  } catch (error) {
    if (error instanceof DatabaseError && error.failure === "corrupt") return true;
    throw error;
  }
}

/** Locks the file at the path: another tracker that uses it must not lose it. */
async function lockPlace(real: string): Promise<number> {
  const file = openSync(real, "r+");
  try {
    await lockFile(file, real);
    return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Copies all rows. Rows that cannot be read are left out: the current swarms are in memory anyway. */
async function copyAll(from: Database, to: Database): Promise<CopyCounts & { isWhole: boolean }> {
  const counts = { swarms: 0, totals: 0, isWhole: true };
  /** @returns the rows, or none when reading fails. */
  const read = async <T>(reading: Promise<T[]>): Promise<T[]> =>
    reading.catch((error: unknown) => {
      if (!(error instanceof DatabaseError)) throw error;
      counts.isWhole = false;
      return [];
    });
  for (const span of [FIVE_MINUTES, HOUR, DAY]) {
    for (const page of pagesOfTotals(span, Date.now() / 1000)) {
      const totals = await read(from.readTotals(span, page.from, page.to));
      await writeInSlices(totals, (slice) => to.addTotals(slice));
      counts.totals += totals.length;
    }
  }
  for (let after: Uint8Array = BEFORE_ALL; ; ) {
    const rows = await read(from.readSwarms(after, ROWS_AT_ONCE, false));
    if (rows.length === 0) return counts;
    await writeInSlices(rows, (slice) => to.writeSwarms(slice));
    counts.swarms += rows.length;
    after = rows[rows.length - 1].infoHash;
  }
}

/** Renames a file, its log and the index of the log. */
function rename(from: string, to: string): void {
  if (existsSync(to)) throw new DatabaseError("unavailable", `${to}: there is such a file already`);
  for (const suffix of SUFFIXES) {
    if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
  }
}

/** Removes the log of a deleted file. */
function removeLogs(path: string): void {
  for (const suffix of SUFFIXES.slice(1)) rmSync(path + suffix, { force: true });
}
