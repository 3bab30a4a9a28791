/** Tells when files that the configuration names have changed. */
import { stat } from "node:fs/promises";
import { type ReadFile, readFromDisk } from "./read-file.ts";

/**
 * Watches files by looking at them now and then: it sees what editors, `mv` and network file systems do alike. A
 * change is told once it has stood for a whole look, so that a file is not read while it is being written.
 */
export class WatchedFiles {
  /** Reads a file; what changes in it from then on is told, even while it is read, once it is watched. */
  readonly read: ReadFile = (path) => this.#lookAndRead(path);
  #known = new Map<string, string>();
  /** What files were like before they were read. */
  readonly #asRead = new Map<string, string>();
  #pending = "";

  /** Takes what the files were like when they were read, or else are now, as known, and forgets other files. */
  async watch(files: readonly string[]): Promise<void> {
    const looks = files.map(async (file) => [file, this.#asRead.get(file) ?? (await look(file))] as const);
    this.#known = new Map(await Promise.all(looks));
    this.#asRead.clear();
    this.#pending = "";
  }

  async *#lookAndRead(path: string): AsyncIterable<Uint8Array> {
    const found = await look(path);
    // Of one that is read twice, what was read first may be old already.
    if (!this.#asRead.has(path)) this.#asRead.set(path, found);
    yield* readFromDisk(path);
  }

  /** Looks at the files. @returns whether one has changed since {@link watch}, and not since the last look. */
  async changed(): Promise<boolean> {
    const looks = await Promise.all(
      [...this.#known].map(async ([file, known]) => ({ known, now: await look(file) })),
    );
    const changes = looks.filter(({ known, now }) => known !== now).map(({ now }) => now);
    const pending = changes.join("\n");
    const stood = pending !== "" && pending === this.#pending;
    this.#pending = pending;
    return stood;
  }
}

/** What tells a file's versions apart. */
async function look(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    return "absent";
  }
}
