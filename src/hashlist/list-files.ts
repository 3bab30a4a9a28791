/**
 * The list's files. Each is written beside the old one, synchronised, and takes its place in one step, so that a reader
 * has one or the other. A file that would be the same stays as it is, with its time stamp; that it still holds is said by
 * the *status file*, which is written every time, last, and by its own time stamp.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { encodeHashList, FORMAT_NAMES } from "./formats.ts";
import { entriesOf, type HashList } from "./hash-list.ts";
import type { HashListFormat } from "./settings.ts";

/** The status file's, where each format has its own. */
const STATUS_ENDING = ".status.json";

/** Where a new file grows before it takes the old one's place. */
const NEW_ENDING = ".new";

/** What the status file says, as JSON. Times are of ISO 8601, as `Date.toISOString` writes them. */
interface HashListStatus {
  readonly entries: number;
  /** When the list last changed, when all of it was last found to be right, and until when it may be used. */
  readonly changed: string;
  readonly checked: string;
  readonly validUntil: string;
  readonly files: readonly {
    readonly file: string;
    readonly format: HashListFormat;
    readonly bytes: number;
    readonly sha256: string;
  }[];
}

/** The files of one path. */
export class ListFiles {
  /** Their paths; the last is the status file's. */
  readonly names: readonly string[];
  readonly #formats: readonly HashListFormat[];

  /** @param path what their names have in common. */
  constructor(path: string, formats: readonly HashListFormat[]) {
    const endings = [...formats.map((format) => FORMAT_NAMES[format].ending), STATUS_ENDING];
    this.names = endings.map((ending) => path + ending);
    this.#formats = formats;
  }

  /** Writes a list. @throws the system's error. */
  async write(list: HashList, timeoutSeconds: number): Promise<void> {
    const files: HashListStatus["files"][number][] = [];
    for (const [i, format] of this.#formats.entries()) {
      const file = this.names[i];
      const written = await replaceFile(file, encodeHashList(list, format, timeoutSeconds));
      files.push({ file: basename(file), format, ...written });
    }
    const status: HashListStatus = { ...describeList(list), files };
    await replaceFile(this.names[this.#formats.length], [
      Buffer.from(`${JSON.stringify(status, null, 2)}\n`),
    ]);
  }
}

/** What is told of a list besides its torrents. */
function describeList(list: HashList): Omit<HashListStatus, "files"> {
  return {
    entries: entriesOf(list),
    changed: new Date(list.changedAt).toISOString(),
    checked: new Date(list.checkedAt).toISOString(),
    validUntil: new Date(list.validUntil).toISOString(),
  };
}

/**
 * Gives a file new content in one step, unless it has that already.
 * @returns how long that is, and its checksum.
 * @throws the system's error; the old content is there still.
 */
async function replaceFile(
  path: string,
  pieces: Iterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const growing = path + NEW_ENDING;
  const hash = createHash("sha256");
  let bytes = 0;
  // A link that somebody has put there is removed, and not followed.
  await rm(growing, { force: true });
  try {
    const file = await open(growing, "wx", 0o644);
    try {
      for (const piece of pieces) {
        hash.update(piece);
        bytes += piece.length;
        await file.appendFile(piece);
      }
      const sha256 = hash.digest("hex");
      if (sha256 === (await checksumOf(path))) return { bytes, sha256 };
      await file.sync();
      await rename(growing, path);
      await syncDirectory(dirname(path));
      return { bytes, sha256 };
    } finally {
      await file.close();
    }
  } finally {
    await rm(growing, { force: true });
  }
}

/** The checksum of a file's content; undefined when there is none that can be read. */
async function checksumOf(path: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex");
  } catch {
    return undefined;
  }
}

/** Makes sure that a renaming outlives a crash of the machine. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
