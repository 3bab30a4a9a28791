/** The lock file beside an embedded database, and what is done with a database that is damaged. */
import { existsSync, renameSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { toDatabaseError } from "./sqlite-errors.ts";

/** Readers of the database don't look at the lock, so that it is a file of its own. */
const LOCK_SUFFIX = ".lock";

/** SQLite keeps its log and the log's index beside the database. */
const SUFFIXES = ["", "-wal", "-shm"];

/**
 * Takes the lock. The system lets go of it when the process ends, however that is.
 * @returns what lets go of it.
 * @throws DatabaseError when another process has it.
 */
export function takeTrackerLock(path: string): () => void {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path + LOCK_SUFFIX);
    lock.exec("BEGIN EXCLUSIVE");
    const taken = lock;
    return () => taken.close();
  } catch (error) {
    lock?.close();
    throw toDatabaseError(error, path);
  }
}

/**
 * Renames a damaged database, so that a new one can be made and somebody can look at the old one.
 * @param stamp what tells it from others that were moved before.
 * @returns its new path.
 * @throws DatabaseError
 */
export function moveAside(path: string, stamp: string): string {
  const release = takeTrackerLock(path);
  const target = `${path}.damaged-${stamp}`;
  try {
    for (const suffix of SUFFIXES) if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
    return target;
  } catch (error) {
    throw toDatabaseError(error, path);
  } finally {
    release();
  }
}
