/** Reads files with size limits, and describes failures in one clause. */
import { createReadStream, statSync } from "node:fs";
import { userInfo } from "node:os";
import { TextDecoder } from "node:util";
import { SERVICE_USER } from "./config-file.ts";

/** Reads a file in pieces. Tests replace it. */
export type ReadFile = (path: string) => AsyncIterable<Uint8Array>;

/** Reads from disk. */
export const readFromDisk: ReadFile = (path) => createReadStream(path, { highWaterMark: 256 * 1024 });

/** A file that cannot be read. The message is a clause such as `no such file`. */
export class FileError extends Error {
  /** The system's code, such as ENOENT; empty if the content is refused. */
  readonly code: string;

  constructor(message: string, code = "") {
    super(message);
    this.code = code;
  }
}

/** Reads a whole UTF-8 file. @throws FileError */
export async function readText(path: string, maxBytes: number, read: ReadFile): Promise<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  for await (const piece of pieces(path, read)) {
    bytes += piece.length;
    if (bytes > maxBytes) throw new FileError(`larger than ${maxBytes / 1024 / 1024} MiB`);
    text += decode(decoder, piece);
  }
  return text + decode(decoder);
}

/**
 * Reads a file line by line. Line ends are LF or CR LF; a byte order mark is skipped.
 * @param onLine receives each line's bytes at `[start, end)`, which it must not keep, and its number from 1. It returns
 *   whether to continue.
 * @throws FileError
 */
export async function readLines(
  path: string,
  maxLineBytes: number,
  read: ReadFile,
  onLine: (bytes: Uint8Array, start: number, end: number, line: number) => boolean,
): Promise<void> {
  let line = 0;
  let rest = new Uint8Array(0);
  const lineEnds = (bytes: Uint8Array, start: number, end: number) => {
    if (end - start > maxLineBytes)
      throw new FileError(`line ${line + 1} is longer than ${maxLineBytes} bytes`);
    line++;
    const from = line === 1 && startsWithMark(bytes, start) ? start + 3 : start;
    return onLine(bytes, from, end > from && bytes[end - 1] === 0x0d ? end - 1 : end, line);
  };
  for await (const piece of pieces(path, read)) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      if (!lineEnds(bytes, start, end)) return;
      start = end + 1;
    }
    rest = bytes.slice(start);
    if (rest.length > maxLineBytes)
      throw new FileError(`line ${line + 1} is longer than ${maxLineBytes} bytes`);
  }
  if (rest.length > 0) lineEnds(rest, 0, rest.length);
}

async function* pieces(path: string, read: ReadFile): AsyncIterable<Uint8Array> {
  try {
    yield* read(path);
  } catch (error) {
    throw new FileError(explain(error, path), codeOf(error));
  }
}

function decode(decoder: TextDecoder, piece?: Uint8Array): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    throw new FileError("is not UTF-8 text");
  }
}

function startsWithMark(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function explain(error: unknown, path: string): string {
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return "no such file";
    case "EACCES":
    case "EPERM":
      return explainForbidden(path);
    case "EISDIR":
      return "is a directory, not a file";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Which user may not read a file, and how to allow it to the service's. */
function explainForbidden(path: string): string {
  const user = userInfo().username;
  const text = `the user "${user}" may not read it`;
  if (user !== SERVICE_USER) return `${text}: run the command as root`;
  return isVisible(path)
    ? `${text}: allow it with: chgrp ${user} ${path}; chmod g+r ${path}`
    : `${text}, because it may not enter the directory: move the file to /etc/btrt`;
}

/** Whether this user may enter all directories of a path. */
function isVisible(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
