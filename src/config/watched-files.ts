/** Tells when files that the configuration names have changed. */
import { stat } from "node:fs/promises";

/**
 * Watches files by looking at them now and then: it sees what editors, `mv` and network file systems do alike. A
 * change is told once it has stood for a whole look, so that a file is not read while it is being written.
 */
export class WatchedFiles {
  #known = new Map<string, string>();
  #pending = "";

  /** Takes what the files are like now as known, and forgets other files. */
  async watch(files: readonly string[]): Promise<void> {
    this.#known = new Map(await Promise.all(files.map(async (file) => [file, await look(file)] as const)));
    this.#pending = "";
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
