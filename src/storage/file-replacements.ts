/** Decides when the file of an embedded database is replaced, and records the result. */
import { type Database, DatabaseError } from "./database.ts";
import type { DatabaseSettings, EmbeddedDatabase, Replaced, Replacement } from "./database-kind.ts";
import { databaseKind } from "./databases.ts";

/** Most replacements in an hour. A faulty disk that damages every file must not be filled with copies. */
const REPLACEMENTS_LIMIT = 10;
const HOUR_MS = 3_600_000;

/** The last replacement of a file. */
export interface LastReplacement extends Replacement {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cause: "corrupt" | "moved";
  /** The cause, for the operator. */
  readonly reason: string;
}

/** Replaces the file of one tracker's database. */
export class FileReplacements {
  /** How often since start. */
  count = 0;
  last: LastReplacement | null = null;
  readonly #url: string;
  /** Undefined for a server: nothing is ever replaced. */
  readonly #embedded: EmbeddedDatabase | undefined;
  /** On the clock of `performance.now()`. */
  #times: number[] = [];

  constructor({ url }: Pick<DatabaseSettings, "url">) {
    this.#url = url;
    this.#embedded = databaseKind({ url }).embedded;
  }

  /**
   * Replaces the file after the errors `corrupt` and `moved`.
   * @param open the database whose file is gone. A damaged database has been closed.
   * @returns the new database, open and not claimed yet; undefined for other errors.
   * @throws DatabaseError
   */
  async replace(
    { failure, message }: DatabaseError,
    open: Database | undefined,
  ): Promise<Database | undefined> {
    if (this.#embedded === undefined) return undefined;
    if (failure !== "corrupt" && failure !== "moved") return undefined;
    if (!this.#mayReplace())
      throw new DatabaseError(
        "unavailable",
        `${message}, as ${REPLACEMENTS_LIMIT} times in this hour: see the disk`,
      );
    const stamp = makeStamp();
    const replaced = await this.#replace(this.#embedded, failure, open, stamp);
    if (replaced === undefined) return undefined;
    this.#times.push(performance.now());
    this.count++;
    this.last = { ...replaced.replacement, at: Date.now(), cause: failure, reason: message };
    return replaced.database;
  }

  /**
   * Copies a database whose file is gone to a file beside its path.
   * @returns the copy; undefined when the file is in its place or no database is open.
   * @throws DatabaseError
   */
  async rescue(open: Database | undefined): Promise<Database | undefined> {
    if (this.#embedded === undefined || open === undefined) return undefined;
    const isMoved = await open.verify().then(
      () => false,
      (error: unknown) => error instanceof DatabaseError && error.failure === "moved",
    );
    if (!isMoved) return undefined;
    const repair = await this.#embedded.loadRepair();
    return await repair.copyBeside(open, makeStamp());
  }

  async #replace(
    embedded: EmbeddedDatabase,
    cause: LastReplacement["cause"],
    open: Database | undefined,
    stamp: string,
  ): Promise<Replaced | undefined> {
    const repair = await embedded.loadRepair();
    if (cause === "moved") return open === undefined ? undefined : await repair.replaceMoved(open, stamp);
    return await repair.replaceDamaged(embedded.fileOf(this.#url), stamp);
  }

  #mayReplace(): boolean {
    this.#times = this.#times.filter((time) => time > performance.now() - HOUR_MS);
    return this.#times.length < REPLACEMENTS_LIMIT;
  }
}

/** The current time, for the name of a file. */
function makeStamp(): string {
  return new Date().toISOString().replaceAll(/[-:]|\..*/g, "");
}
