/** Identifies the file of an open database, to notice when its path has another file or none. */
import { type BigIntStats, statSync } from "node:fs";
import { DatabaseError } from "../database.ts";

/** Identifies a file. */
export type FileId = Pick<BigIntStats, "dev" | "ino">;

function isSameFile(one: FileId, other: FileId): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** The file behind an open database. */
export class OpenedFile {
  readonly #path: string;
  readonly #id: FileId;
  #size: bigint;

  /** @param path that has just been opened, as configured. @throws Error of the file system. */
  constructor(path: string) {
    const stats = statSync(path, { bigint: true });
    this.#path = path;
    this.#id = stats;
    this.#size = stats.size;
  }

  /** Whether it is a certain file. */
  is(id: FileId): boolean {
    return isSameFile(id, this.#id);
  }

  /**
   * Checks that the path still has this file, and that the file was not truncated. SQLite checks neither: it would
   * continue to write to a deleted file.
   * @param databaseBytes the length of the file by SQLite.
   * @throws DatabaseError `moved` or `corrupt`.
   */
  verify(databaseBytes: () => number): void {
    const stats = this.#stat();
    if (stats === undefined) return;
    if (!isSameFile(stats, this.#id))
      throw new DatabaseError("moved", `${this.#path}: another file is at its path`);
    // VACUUM makes a file shorter, and the last pages may still be in the log.
    if (stats.size === 0n || (stats.size < this.#size && stats.size < databaseBytes()))
      throw new DatabaseError("corrupt", `${this.#path}: the file was truncated to ${stats.size} bytes`);
    this.#size = stats.size;
  }

  /** @returns undefined when it cannot be read now, such as without permission. */
  #stat(): BigIntStats | undefined {
    try {
      return statSync(this.#path, { bigint: true });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "";
      if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(code)) return undefined;
      throw new DatabaseError("moved", `${this.#path}: the file is not there any more (${code})`);
    }
  }
}
