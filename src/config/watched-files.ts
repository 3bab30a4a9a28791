/** Detects changes of the files that the configuration names. */
import { stat } from "node:fs/promises";
import { type ReadFile, readFromDisk } from "./read-file.ts";

/**
 * Watches files by polling, which works for editors, `mv` and network file systems alike. A change is reported when it
 * is found twice in a row, so that a file is not read while it is being written.
 */
export class WatchedFiles {
  /** Reads a file. Once it is watched, all changes since the start of reading are reported. */
  readonly read: ReadFile = (path) => this.#readVersion(path);
  #known = new Map<string, string>();
  /** Versions of files before they were read. */
  readonly #asRead = new Map<string, string>();
  #pending = "";

  /** Starts to watch files from the versions that were read, or their current ones, and stops watching others. */
  async watch(files: readonly string[]): Promise<void> {
    const polls = files.map(
      async (file) => [file, this.#asRead.get(file) ?? (await versionOf(file))] as const,
    );
    this.#known = new Map(await Promise.all(polls));
    this.#asRead.clear();
    this.#pending = "";
  }

  async *#readVersion(path: string): AsyncIterable<Uint8Array> {
    const found = await versionOf(path);
    // The first version counts: if it is read again, the first content may be outdated already.
    if (!this.#asRead.has(path)) this.#asRead.set(path, found);
    yield* readFromDisk(path);
  }

  /** Polls the files. @returns whether one has changed since {@link watch}, and not since the last poll. */
  async changed(): Promise<boolean> {
    const polls = await Promise.all(
      [...this.#known].map(async ([file, known]) => ({ known, now: await versionOf(file) })),
    );
    const changes = polls.filter(({ known, now }) => known !== now).map(({ now }) => now);
    const pending = changes.join("\n");
    const stood = pending !== "" && pending === this.#pending;
    this.#pending = pending;
    return stood;
  }
}

/** Identifies the version of a file. */
async function versionOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return "absent";
  }
}
