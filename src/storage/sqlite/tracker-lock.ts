/**
 * That one tracker at a time uses an embedded database. Two locks say so: one on the file itself, which finds other names
 * of it; and one on a file beside it, which finds a tracker whose file has been replaced. Readers look at neither.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "../database.ts";
import { lockInode } from "./inode-lock.ts";
import { placeError } from "./place.ts";
import { toDatabaseError } from "./sqlite-errors.ts";

const LOCK_SUFFIX = ".lock";

/** A database that is this process's. */
export class TrackerLock {
  readonly #beside: DatabaseSync;
  readonly #file: number;

  private constructor(beside: DatabaseSync, file: number) {
    this.#beside = beside;
    this.#file = file;
  }

  /**
   * Takes both locks. The system lets go of them when the process ends, however that is.
   * @param path of the file, without symbolic links; there is a file.
   * @throws DatabaseError `claimed` when another process has one of them.
   */
  static async take(path: string): Promise<TrackerLock> {
    const beside = lockBeside(path);
    let file: number | undefined;
    try {
      file = openSync(path, "r+");
      await lockFile(file, path);
      return new TrackerLock(beside, file);
    } catch (error) {
      if (file !== undefined) closeSync(file);
      beside.close();
      throw placeError(error, path);
    }
  }

  /** The file's first bytes, read through the lock's own descriptor. */
  readStart(bytes: number): Uint8Array {
    const start = new Uint8Array(bytes);
    return start.subarray(0, readSync(this.#file, start, 0, bytes, 0));
  }

  /**
   * Lets go. Only when SQLite has closed the file: a process loses all its locks of the POSIX kind on a file, SQLite's,
   * too, with the first of its descriptors that is closed.
   */
  release(): void {
    closeSync(this.#file);
    this.#beside.close();
  }
}

/** Locks a file itself, for as long as the descriptor is open. @throws DatabaseError */
export async function lockFile(file: number, path: string): Promise<void> {
  const result = await lockInode(file);
  if (result === "taken") throw claimed(path, "under this or another name");
  // What cannot be found out must not be tried: two trackers would destroy the file.
  if (result === "unsupported" && fstatSync(file).nlink > 1)
    throw claimed(path, "or may be: it has several names (hard links), and this system cannot lock the file");
}

function claimed(path: string, how: string): DatabaseError {
  return new DatabaseError("claimed", `${path}: another process is using it (${how})`);
}

function lockBeside(path: string): DatabaseSync {
  const lockPath = path + LOCK_SUFFIX;
  let lock: DatabaseSync | undefined;
  try {
    const stats = statSync(lockPath, { throwIfNoEntry: false });
    // Ours is always empty.
    if (stats !== undefined && (!stats.isFile() || stats.size > 0))
      throw new DatabaseError("foreign", `${lockPath}: this is no lock of a database: remove or rename it`);
    lock = new DatabaseSync(lockPath);
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    throw toDatabaseError(error, path);
  }
}
