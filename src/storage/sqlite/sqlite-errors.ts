/** Translates errors of SQLite. */
import { DatabaseError, type DatabaseFailure } from "../database.ts";

/** Primary result codes (sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

const MEANINGS: Readonly<Record<number, readonly [DatabaseFailure, string]>> = {
  [BUSY]: ["claimed", "another process is using it"],
  [LOCKED]: ["claimed", "another process is using it"],
  [READONLY]: ["unavailable", "it cannot be written to: the file or the file system is read-only"],
  [IOERR]: ["unavailable", "reading or writing failed"],
  [CORRUPT]: ["corrupt", "the file is damaged"],
  [FULL]: ["unavailable", "the disk is full"],
  [CANTOPEN]: ["unavailable", "the file cannot be opened or made"],
  [NOTADB]: ["corrupt", "the file is not a database"],
};

/** Converts an error of SQLite or the system. */
export function toDatabaseError(error: unknown, path: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : -1;
  const meaning = MEANINGS[code];
  if (meaning === undefined) return new DatabaseError("unavailable", `${path}: ${message}`);
  return new DatabaseError(meaning[0], `${path}: ${meaning[1]} (${message})`);
}
