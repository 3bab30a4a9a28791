/**
 * The list's files. Each is written beside the old one, synchronised, and takes its place in one step, so that a reader
 * has one or the other. A file that would be the same stays as it is, with its time stamp; that it still holds is said by
 * the *status file*, which is written every time, last, and by its own time stamp.
 */
import { basename } from "node:path";
import { FORMATS, type HashListFormat } from "./formats/formats.ts";
import { entriesOf, type HashList } from "./hash-list.ts";
import { replaceFile } from "./replace-file.ts";

/** The status file's, where each format has its own. */
const STATUS_ENDING = ".status.json";

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
    const endings = [...formats.map((format) => FORMATS[format].ending), STATUS_ENDING];
    this.names = endings.map((ending) => path + ending);
    this.#formats = formats;
  }

  /** Writes a list. @throws the system's error. */
  async write(list: HashList, timeoutSeconds: number): Promise<void> {
    const files: HashListStatus["files"][number][] = [];
    for (const [i, format] of this.#formats.entries()) {
      const file = this.names[i];
      const written = await replaceFile(file, FORMATS[format].encode(list, timeoutSeconds));
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
