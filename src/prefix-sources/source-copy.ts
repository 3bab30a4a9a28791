/**
 * The last good copy of a source: a file in the format of `cidr_file`, which the configuration reads and the tracker watches
 * like one. New prefixes that are far fewer are written beside it, and wait there for the operator.
 */
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { formatPrefix, type Prefix } from "../network/prefix.ts";
import { replaceFile } from "../platform/replace-file.ts";

/** The ending of the file with prefixes that wait for the operator. */
const HELD_ENDING = ".held";

/** Prefixes per piece when a file is written. */
const PIECE = 4096;

/** Whether `count` prefixes are so few, after `before`, that the operator must confirm them. */
export function mustBeConfirmed(count: number, before: number): boolean {
  return count * 2 <= before;
}

/** What became of new prefixes. */
export type CopyChange = "same" | "changed" | "held";

/** The files of one source. */
export class SourceCopy {
  readonly path: string;
  readonly heldPath: string;
  readonly #header: string;

  constructor(path: string, group: string) {
    this.path = path;
    this.heldPath = path + HELD_ENDING;
    this.#header = `# The prefixes of the peer group ${JSON.stringify(group)}. BTRT writes this file when its source changes.\n`;
  }

  /**
   * Writes new prefixes. Those that are half as many as before, or fewer, are held.
   * @throws the system's error; the files keep their content.
   */
  async write(prefixes: readonly Prefix[]): Promise<CopyChange> {
    const before = await this.count();
    await mkdir(dirname(this.path), { recursive: true, mode: 0o750 });
    if (mustBeConfirmed(prefixes.length, before)) {
      await replaceFile(this.heldPath, this.#text(prefixes));
      return "held";
    }
    const modified = await this.modified();
    await replaceFile(this.path, this.#text(prefixes));
    await rm(this.heldPath, { force: true });
    return modified === (await this.modified()) ? "same" : "changed";
  }

  /** The number of prefixes in the copy; 0 if there is none. */
  async count(): Promise<number> {
    const text = await readFile(this.path, "latin1").catch(() => "");
    return text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  }

  /** Whether prefixes wait for the operator. */
  async isHeld(): Promise<boolean> {
    return (await stat(this.heldPath).catch(() => undefined)) !== undefined;
  }

  /** When the copy was written, in milliseconds since 1970; undefined if there is none. */
  async modified(): Promise<number | undefined> {
    return (await stat(this.path).catch(() => undefined))?.mtimeMs;
  }

  *#text(prefixes: readonly Prefix[]): Iterable<Uint8Array> {
    yield Buffer.from(this.#header);
    for (let i = 0; i < prefixes.length; i += PIECE)
      yield Buffer.from(
        prefixes
          .slice(i, i + PIECE)
          .map((prefix) => `${formatPrefix(prefix)}\n`)
          .join(""),
      );
  }
}
