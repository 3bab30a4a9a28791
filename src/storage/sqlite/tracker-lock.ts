/**
 * Ensures that one tracker at a time uses an embedded database, with two locks. The lock on the file itself works for
 * all names of the file. The lock on a file beside it works when the file has been replaced. Readers ignore both.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DatabaseError } from "../database.ts";
import { lockInode } from "./inode-lock.ts";
import { placeError } from "./place.ts";
import { toDatabaseError } from "./sqlite-errors.ts";

const LOCK_SUFFIX = ".lock";

/** The claim of this process on a database. */
export class TrackerLock {
  readonly #beside: DatabaseSync;
  readonly #file: number;

  private constructor(beside: DatabaseSync, file: number) {
    this.#beside = beside;
    this.#file = file;
  }

  /**
   * Takes both locks. The system releases them when the process ends, even after a crash.
   * @param path of an existing file, without symbolic links.
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
   * Releases both locks. SQLite must have closed the file before: when a process closes any descriptor of a file, it
   * loses all its POSIX locks on that file, including those of SQLite.
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
  // Without this lock another tracker could use the file by another name, and two trackers would destroy it.
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
    // Our lock file is always empty.
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
