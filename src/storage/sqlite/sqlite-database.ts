/**
 * The embedded database: a file, through node:sqlite. SQLite is synchronous here, so callers pass few rows at a time. The
 * write-ahead log (WAL) is synchronized only at checkpoints. A crash of the process loses nothing; a crash of the machine
 * loses the last seconds, and never corrupts the file.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import {
  AFTER_ALL_TOTALS,
  BEFORE_ALL,
  type Database,
  DatabaseError,
  type DatabaseSize,
  type GroupTotal,
  inactiveSince,
  keyOf,
  type SwarmFacts,
  type SwarmRow,
} from "../database.ts";
import {
  COUNT_COLUMNS,
  SWARM_COLUMNS,
  storedGroup,
  TOTAL_COLUMNS,
  toSwarmRow,
  toTotal,
  totalValues,
} from "../rows.ts";
import { stepsFrom } from "../schema.ts";
import { MIGRATIONS } from "./migrations.ts";
import { type FileId, OpenedFile } from "./opened-file.ts";
import {
  APPLICATION_ID,
  HEADER_BYTES,
  inspectPlace,
  isOurHeader,
  makeFile,
  realPath,
  requireOurs,
} from "./place.ts";
import { SUM_COLUMN, swarmSum, totalSum } from "./row-sums.ts";
import { hasSwarms } from "./salvage.ts";
import { toDatabaseError } from "./sqlite-errors.ts";
import { TrackerLock } from "./tracker-lock.ts";

// Deleted content is overwritten, so that salvage of a damaged file does not find it again.
const SETTINGS = `
PRAGMA secure_delete = ON;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -2048;
`;

const SQL = {
  version: "SELECT max(version) AS version FROM btrt_schema",
  hasSchema: "SELECT name FROM sqlite_master WHERE name = 'btrt_schema'",
  facts: "SELECT first_seen, last_seen, downloaded FROM swarm WHERE info_hash = ?",
  write: `INSERT INTO swarm (${SWARM_COLUMNS}, quiet_since, ${SUM_COLUMN}) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (info_hash) DO UPDATE SET first_seen = excluded.first_seen, last_seen = excluded.last_seen,
downloaded = excluded.downloaded, peers = excluded.peers, quiet_since = excluded.quiet_since, ${SUM_COLUMN} = excluded.${SUM_COLUMN}`,
  read: `SELECT ${SWARM_COLUMNS} FROM swarm WHERE info_hash > ? ORDER BY info_hash LIMIT ?`,
  readLive: `SELECT ${SWARM_COLUMNS} FROM swarm WHERE info_hash > ? AND quiet_since IS NULL ORDER BY info_hash LIMIT ?`,
  deleteInactive: `DELETE FROM swarm WHERE info_hash IN
(SELECT info_hash FROM swarm WHERE quiet_since < ? ORDER BY quiet_since LIMIT ?)`,
  readTotal: "SELECT * FROM group_total WHERE span = ? AND start = ? AND peer_group = ?",
  writeTotal: `REPLACE INTO group_total (${TOTAL_COLUMNS}, ${SUM_COLUMN})
VALUES (?, ?, ?${", ?".repeat(COUNT_COLUMNS.length)}, ?)`,
  allTotals: "SELECT * FROM group_total",
  readTotals:
    "SELECT * FROM group_total WHERE span = ? AND start >= ? AND start < ? ORDER BY start, peer_group",
  deleteTotals: "DELETE FROM group_total WHERE span = ? AND start < ?",
  count: "SELECT count(*) AS swarms FROM swarm",
  countInactive: "SELECT count(*) AS inactive FROM swarm WHERE quiet_since IS NOT NULL",
} as const;

/** Rows whose checksums are added at a time. */
const SUM_PAGE = 500;

type Row = Record<string, SQLOutputValue>;

/** A SQLite file. */
export class SqliteDatabase implements Database {
  readonly name: string;
  /** The target of {@link name} when it was opened, where SQLite has its logs. */
  readonly realPath: string;
  readonly rowsAtOnce = 32;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #file: OpenedFile;
  #lock: TrackerLock | undefined;

  private constructor(path: string, real: string, database: DatabaseSync) {
    this.name = path;
    this.realPath = real;
    this.#file = new OpenedFile(path);
    this.#database = database;
  }

  /**
   * Opens a file. A missing file and its directory are created.
   * @throws DatabaseError `foreign`, before anything is changed, when the file is not ours.
   */
  static async open(path: string): Promise<SqliteDatabase> {
    let database: DatabaseSync | undefined;
    try {
      const real = realPath(path);
      if (inspectPlace(real, hasSwarms) === "absent") makeFile(real);
      database = new DatabaseSync(real, { timeout: 100 });
      requireOurs(database, path);
      database.exec(SETTINGS);
      const [problem] = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {});
      if (problem !== "ok") throw new DatabaseError("corrupt", `${path}: the file is damaged (${problem})`);
      return new SqliteDatabase(path, real, database);
    } catch (error) {
      database?.close();
      throw toDatabaseError(error, path);
    }
  }

  async claim(): Promise<void> {
    this.#lock = await TrackerLock.take(this.realPath);
    await this.verify();
  }

  async verify(): Promise<void> {
    this.#attempt(() => {
      this.#file.verify(() => this.#bytes());
      // SQLite may have the first page in its cache, and not notice that the page was overwritten.
      if (this.#lock !== undefined && !isOurHeader(this.#lock.readStart(HEADER_BYTES)))
        throw new DatabaseError("corrupt", `${this.name}: its first page is damaged`);
    });
  }

  async version(): Promise<number> {
    return this.#attempt(() => this.#version());
  }

  async migrate(): Promise<void> {
    this.#transact(() => {
      const from = this.#version();
      const steps = stepsFrom(MIGRATIONS, from);
      for (const sql of steps.flat()) this.#database.exec(sql);
      if (steps.length === 0) return;
      this.#database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      if (from > 0) this.#sumRows();
    });
  }

  /** Whether the open file is a certain one. */
  isFile(id: FileId): boolean {
    return this.#file.is(id);
  }

  /** Writes the log back into the file. Readers can delay a part of that. */
  async checkpoint(): Promise<void> {
    this.#attempt(() => this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  async readFacts(infoHashes: readonly Uint8Array[]): Promise<Map<string, SwarmFacts>> {
    // SQLite locks the file once then, and not for each row.
    return this.#transact(() => {
      const facts = new Map<string, SwarmFacts>();
      for (const infoHash of infoHashes) {
        const row = this.#get(SQL.facts, infoHash);
        if (row === undefined) continue;
        facts.set(keyOf(infoHash), {
          firstSeen: Number(row.first_seen),
          lastSeen: Number(row.last_seen),
          downloaded: Number(row.downloaded),
        });
      }
      return facts;
    }, "BEGIN");
  }

  async writeSwarms(rows: readonly SwarmRow[]): Promise<void> {
    this.#transact(() => this.#writeSwarms(rows));
  }

  async readSwarms(after: Uint8Array, limit: number, live: boolean): Promise<SwarmRow[]> {
    return this.#all(live ? SQL.readLive : SQL.read, after, limit).map(toSwarmRow);
  }

  async deleteInactive(before: number, limit: number): Promise<number> {
    return this.#attempt(() => Number(this.#prepare(SQL.deleteInactive).run(before, limit).changes));
  }

  async countInactive(): Promise<number> {
    return Number(this.#all(SQL.countInactive)[0].inactive);
  }

  async replaceTotals(totals: readonly GroupTotal[]): Promise<void> {
    this.#transact(() => {
      for (const total of totals) this.#writeTotal({ ...total, group: storedGroup(total.group) });
    });
  }

  async addTotals(totals: readonly GroupTotal[]): Promise<void> {
    this.#transact(() => {
      for (const total of totals) {
        const { span, start, counts } = total;
        const group = storedGroup(total.group);
        const row = this.#get(SQL.readTotal, span, start, group);
        const known = row === undefined ? undefined : toTotal(row);
        this.#writeTotal({
          span,
          start,
          group,
          counts: counts.map((count, i) => count + (known?.counts[i] ?? 0)),
        });
      }
    });
  }

  async readTotals(span: number, from: number, to: number = AFTER_ALL_TOTALS): Promise<GroupTotal[]> {
    return this.#all(SQL.readTotals, span, from, to).map(toTotal);
  }

  async deleteTotals(span: number, before: number): Promise<void> {
    this.#attempt(() => this.#prepare(SQL.deleteTotals).run(span, before));
  }

  async size(): Promise<DatabaseSize> {
    const swarms = Number(this.#all(SQL.count)[0].swarms);
    const files = [this.name, `${this.name}-wal`].map((path) => statSync(path, { throwIfNoEntry: false }));
    return {
      swarms,
      inactive: await this.countInactive(),
      bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    };
  }

  /** Frees the cache of pages: 2 MB, and what SQLite needs beside them. The next save reads from the kernel's cache what it needs. */
  releaseMemory(): void {
    this.#attempt(() => this.#database.exec("PRAGMA shrink_memory"));
  }

  async close(): Promise<void> {
    // The last connection to close writes the log back into the file.
    if (this.#database.isOpen) this.#attempt(() => this.#database.close());
    this.#lock?.release();
    this.#lock = undefined;
  }

  /** The length of the file including the log, by SQLite. */
  #bytes(): number {
    const value = (pragma: string) => Number(Object.values(this.#get(`PRAGMA ${pragma}`) ?? {})[0]);
    return value("page_count") * value("page_size");
  }

  #writeSwarms(rows: readonly SwarmRow[]): void {
    const write = this.#prepare(SQL.write);
    for (const row of rows) {
      const { infoHash, firstSeen, lastSeen, downloaded, peers } = row;
      write.run(infoHash, firstSeen, lastSeen, downloaded, peers, inactiveSince(row), swarmSum(row));
    }
  }

  #writeTotal(total: GroupTotal): void {
    this.#prepare(SQL.writeTotal).run(...totalValues(total), totalSum(total));
  }

  /** Adds the checksum of every row. */
  #sumRows(): void {
    for (let after: Uint8Array = BEFORE_ALL; ; ) {
      const rows = this.#prepare(SQL.read).all(after, SUM_PAGE).map(toSwarmRow);
      if (rows.length === 0) break;
      this.#writeSwarms(rows);
      after = rows[rows.length - 1].infoHash;
    }
    for (const row of this.#prepare(SQL.allTotals).all()) this.#writeTotal(toTotal(row));
  }

  #version(): number {
    if (this.#get(SQL.hasSchema) === undefined) return 0;
    return Number(this.#get(SQL.version)?.version ?? 0);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#attempt(() => this.#prepare(sql).all(...values));
  }

  /** Runs work in one transaction. @param begin `BEGIN` if it only reads. */
  #transact<T>(work: () => T, begin: "BEGIN" | "BEGIN IMMEDIATE" = "BEGIN IMMEDIATE"): T {
    return this.#attempt(() => {
      this.#database.exec(begin);
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        // After some errors SQLite has rolled back by itself.
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toDatabaseError(error, this.name);
    }
  }
}
