/**
 * The list's files. Each new file is written beside the old one, synchronized, and renamed, so that a reader sees either the
 * old or the new content. A file whose content does not change keeps its time stamp. The *status file* is written last,
 * every time: it and its time stamp tell how long the list is valid.
 */
import { basename } from "node:path";
import { replaceFile } from "../platform/replace-file.ts";
import { FORMATS, type HashListFormat } from "./formats/formats.ts";
import { entriesOf, type HashList } from "./hash-list.ts";

/** The ending of the status file. */
const STATUS_ENDING = ".status.json";

/** The content of the status file, as JSON. Times are ISO 8601, as `Date.toISOString` writes them. */
interface HashListStatus {
  readonly entries: number;
  /** When the list last changed, when it was last checked, and until when it may be used. */
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

/** The files of one list. */
export class ListFiles {
  /** Their paths. The last one is the status file. */
  readonly names: readonly string[];
  readonly #formats: readonly HashListFormat[];

  /** @param path of all files, without their endings. */
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

/** Describes a list, without its torrents. */
function describeList(list: HashList): Omit<HashListStatus, "files"> {
  return {
    entries: entriesOf(list),
    changed: new Date(list.changedAt).toISOString(),
    checked: new Date(list.checkedAt).toISOString(),
    validUntil: new Date(list.validUntil).toISOString(),
  };
}
