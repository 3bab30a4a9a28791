/**
 * Inspects the path of an embedded database. Files of other programs are refused before SQLite opens them, so they are
 * never written to or renamed.
 */
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { DatabaseError } from "../database.ts";
import { toDatabaseError } from "./sqlite-errors.ts";

/** In the header of our files, "BTRT" (sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x42545254;

/** The header of an SQLite file (sqlite.org/fileformat2.html#the_database_header). */
export const HEADER_BYTES = 100;
const HEADER_MAGIC = Buffer.from("SQLite format 3\0", "latin1");
const APPLICATION_ID_AT = 68;

/** Bytes that are read to recognize a text file. */
const LOOK_BYTES = 4096;

/** Most symbolic links that are followed, as in Linux. */
const LINKS_LIMIT = 40;

/**
 * The files of SQLite beside a database, by their first bytes: the write-ahead log, its index, and the rollback journal.
 * They may also be empty, or zeros after a crash of the machine.
 */
const SIBLINGS: readonly (readonly [suffix: string, begins: readonly string[]])[] = [
  ["-wal", ["377f0682", "377f0683"]],
  ["-shm", ["18e22d00", "002de218"]],
  ["-journal", ["d9d505f9"]],
];

const KEEP = "nothing of it was changed; name a file of its own in database.url";

/** The target of a path through symbolic links, which need not exist. @throws DatabaseError */
export function realPath(path: string): string {
  let at = resolve(path);
  for (let links = 0; links < LINKS_LIMIT; links++) {
    try {
      return realpathSync(at);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw placeError(error, path);
    }
    if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return realDirectory(at);
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw new DatabaseError("misplaced", `${path}: too many symbolic links`);
}

function realDirectory(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    // The directory is not there either.
    return path;
  }
}

/**
 * Inspects a path, and changes nothing.
 * @returns `absent`, `empty`, or `database`: a SQLite file that is ours or may be.
 * @throws DatabaseError `foreign` when it is something else, `misplaced` when no file can ever be there, `corrupt` when
 * the header is damaged and the rows are ours.
 */
export function inspectPlace(path: string, hasOurRows: (path: string) => boolean): PlaceState {
  const stats = statOf(path, path);
  if (stats === undefined) {
    requireSiblings(path);
    return "absent";
  }
  if (!stats.isFile()) throw foreign(path, kindOf(stats));
  requireSiblings(path);
  if (stats.size === 0) return "empty";
  const start = readStart(path, LOOK_BYTES);
  if (isHeader(start)) {
    requireApplication(path, start);
    return "database";
  }
  // The page with the header may be what is damaged.
  if (hasOurRows(path)) throw new DatabaseError("corrupt", `${path}: its first page is damaged`);
  throw foreign(path, isText(start) ? "a text file" : "no SQLite database");
}

/** What {@link inspectPlace} finds where our database is or can be. */
export type PlaceState = "absent" | "empty" | "database";

/** Whether a file's first bytes are a header of SQLite with our application id or none. */
export function isOurHeader(start: Uint8Array): boolean {
  const id = isHeader(start) ? applicationId(start) : -1;
  return id === 0 || id === APPLICATION_ID;
}

/** Creates an empty file and its directories, unless it exists. @throws DatabaseError */
export function makeFile(path: string): void {
  try {
    makeDirectory(dirname(path));
    closeSync(openSync(path, "a"));
  } catch (error) {
    throw placeError(error, path);
  }
}

/** Checks whether a file could be created, by creating and removing a directory beside it. @throws DatabaseError */
export function tryPlace(path: string): void {
  const real = realPath(path);
  try {
    rmdirSync(mkdtempSync(join(nearestDirectory(dirname(real)), ".btrt-")));
  } catch (error) {
    throw placeError(error, path);
  }
}

/** A directory, or the nearest parent that exists. */
export function nearestDirectory(directory: string): string {
  return existsSync(directory) ? directory : nearestDirectory(dirname(directory));
}

/** Requires our tables, or none. @throws DatabaseError when the database is of another program. */
export function requireOurs(database: DatabaseSync, path: string): void {
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'")
    .all()
    .map(({ name }) => String(name));
  const [id] = Object.values(database.prepare("PRAGMA application_id").get() ?? {});
  if (tables.length === 0 || tables.includes("btrt_schema") || id === APPLICATION_ID) return;
  throw foreign(path, `an SQLite database of another program (with the table "${tables[0]}")`);
}

/** Converts an error of the file system. */
export function placeError(error: unknown, path: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  // These may be temporary: permissions, a missing mount, a full disk. Others lie in the path itself.
  const isTransient = ["EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ESTALE", "EBUSY"];
  const code = codeOf(error);
  if (!/^E(?!RR_)/.test(code)) return toDatabaseError(error, path);
  if (isTransient.includes(code)) return new DatabaseError("unavailable", `${path}: ${message}`);
  return new DatabaseError("misplaced", `${path}: no file can be made or opened there (${message})`);
}

function makeDirectory(directory: string): void {
  // Not mkdir's own `recursive`: it never returns on a file system such as /proc, which answers ENOENT.
  if (existsSync(directory)) return;
  makeDirectory(dirname(directory));
  try {
    mkdirSync(directory);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

function requireSiblings(path: string): void {
  for (const [suffix, begins] of SIBLINGS) {
    const sibling = path + suffix;
    const stats = statOf(sibling, path);
    if (stats === undefined) continue;
    if (!stats.isFile()) throw foreign(sibling, kindOf(stats));
    const start = readStart(sibling, 4).toString("hex");
    if (!["", "00000000", ...begins].includes(start)) throw foreign(sibling, "not a file of SQLite");
  }
}

/** Recognizes the database of another program by its header or its tables. */
function requireApplication(path: string, start: Uint8Array): void {
  const id = applicationId(start);
  if (id === APPLICATION_ID) return;
  const database = openImmutable(path);
  try {
    if (database !== undefined) requireOurs(database, path);
  } catch (error) {
    // Damage is found when the file is opened for use.
    if (error instanceof DatabaseError) throw error;
  } finally {
    database?.close();
  }
  if (!isOurHeader(start))
    throw foreign(path, `an SQLite database of another program (application_id ${id})`);
}

/** Opens a file only to read it: no journal of another program is rolled back. */
function openImmutable(path: string): DatabaseSync | undefined {
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  try {
    return new DatabaseSync(url, { readOnly: true });
  } catch {
    return undefined;
  }
}

function statOf(path: string, configured: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw placeError(error, configured);
  }
}

function readStart(path: string, bytes: number): Buffer {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    const start = Buffer.alloc(bytes);
    return start.subarray(0, readSync(file, start, 0, bytes, 0));
  } catch (error) {
    throw placeError(error, path);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function isHeader(start: Uint8Array): boolean {
  return start.length >= HEADER_BYTES && HEADER_MAGIC.equals(start.subarray(0, HEADER_MAGIC.length));
}

function applicationId(start: Uint8Array): number {
  return new DataView(start.buffer, start.byteOffset).getUint32(APPLICATION_ID_AT);
}

function isText(bytes: Uint8Array): boolean {
  if (bytes.some((byte) => byte < 0x20 && ![0x09, 0x0a, 0x0d].includes(byte))) return false;
  // A character may be cut off at the end.
  return !new TextDecoder().decode(bytes, { stream: true }).includes("\ufffd");
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a directory";
  if (stats.isSocket()) return "a socket";
  if (stats.isFIFO()) return "a named pipe";
  return "a device";
}

function foreign(path: string, kind: string): DatabaseError {
  return new DatabaseError("foreign", `${path}: this is ${kind}, and not a database of btrt: ${KEEP}`);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
