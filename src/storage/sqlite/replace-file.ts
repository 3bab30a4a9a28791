/**
 * Puts a new file in the place of one that is damaged, or that is not in its place any more. The new one is made beside
 * it and is whole before it gets the name, so that whatever fails meanwhile can be tried again.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { BEFORE_ALL, type Database, DatabaseError } from "../database.ts";
import type { CopyCounts, FileRepair, Replaced } from "../database-kind.ts";
import { DAY, FIVE_MINUTES, HOUR } from "../group-totals.ts";
import { inspectPlace, makeFile, placeError, realPath } from "./place.ts";
import { hasSwarms, ROWS_AT_ONCE, salvage, writeInSlices } from "./salvage.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { lockFile, TrackerLock } from "./tracker-lock.ts";

/** SQLite keeps its log and the log's index beside the database. */
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
 * Makes a new file with what can be read of a damaged one, which nobody has open, and renames that.
 * @param stamp tells names from those given before.
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
 * Makes a new file at a path with all that an open database has, whose own file is not there any more. The open one is
 * closed when that is done.
 * @throws DatabaseError, and the open one stays as it is: `foreign` when something of somebody else's is there now,
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

/** Gives a new file its name, and opens it: were it gone again, an empty one would be taken for it. */
async function putInPlace(fresh: string, real: string, path: string): Promise<SqliteDatabase> {
  const id = statSync(fresh, { bigint: true });
  renameSync(fresh, real);
  const database = await SqliteDatabase.open(path);
  if (database.isFile(id)) return database;
  await database.close();
  throw new DatabaseError("unavailable", `${path}: the new file was replaced, too`);
}

/** Makes a database and fills it. @throws DatabaseError, and there is none. */
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

/** Whether a path has a file that may be renamed: one that is ours, be it damaged. @throws DatabaseError */
function isOccupied(real: string): boolean {
  try {
    return inspectPlace(real, hasSwarms) !== "absent";
  } catch (error) {
    if (error instanceof DatabaseError && error.failure === "corrupt") return true;
    throw error;
  }
}

/** A tracker that has started on the file that is there now must not lose it. */
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

/** What cannot be read of the old file is left out: memory has what matters most. */
async function copyAll(from: Database, to: Database): Promise<CopyCounts & { isWhole: boolean }> {
  const counts = { swarms: 0, totals: 0, isWhole: true };
  /** @returns what a reading says, or nothing where it fails. */
  const read = async <T>(reading: Promise<T[]>): Promise<T[]> =>
    reading.catch((error: unknown) => {
      if (!(error instanceof DatabaseError)) throw error;
      counts.isWhole = false;
      return [];
    });
  for (const span of [FIVE_MINUTES, HOUR, DAY]) {
    const totals = await read(from.readTotals(span, 0));
    await writeInSlices(totals, (slice) => to.addTotals(slice));
    counts.totals += totals.length;
  }
  for (let after: Uint8Array = BEFORE_ALL; ; ) {
    const rows = await read(from.readSwarms(after, ROWS_AT_ONCE, false));
    if (rows.length === 0) return counts;
    await writeInSlices(rows, (slice) => to.writeSwarms(slice));
    counts.swarms += rows.length;
    after = rows[rows.length - 1].infoHash;
  }
}

/** Renames a file, its log and the log's index, which SQLite makes again where it is not of this file. */
function rename(from: string, to: string): void {
  if (existsSync(to)) throw new DatabaseError("unavailable", `${to}: there is such a file already`);
  for (const suffix of SUFFIXES) {
    if (existsSync(from + suffix)) renameSync(from + suffix, to + suffix);
  }
}

/** Removes what the log of a deleted file has left. */
function removeLogs(path: string): void {
  for (const suffix of SUFFIXES.slice(1)) rmSync(path + suffix, { force: true });
}
