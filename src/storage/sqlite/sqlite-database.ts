/**
 * The embedded database: a file, by way of node:sqlite. It is synchronous, so that callers come with a few hundred rows
 * at a time. Its log is written ahead (WAL) and synchronised only at checkpoints: nothing is lost when the process dies,
 * the last seconds when the machine does, and nothing is ever broken.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import {
  type Database,
  DatabaseError,
  type DatabaseSize,
  type GroupTotal,
  keyOf,
  quietSince,
  type SwarmFacts,
  type SwarmRow,
} from "../database.ts";
import { SCHEMA_VERSION, stepsFrom } from "../migrations/migrations.ts";
import { COUNT_COLUMNS, SWARM_COLUMNS, TOTAL_COLUMNS, toSwarmRow, toTotal, totalValues } from "../rows.ts";
import { toDatabaseError } from "./sqlite-errors.ts";
import { takeTrackerLock } from "./tracker-lock.ts";

const SETTINGS = `
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -2048;
`;

const ADD_COUNTS = COUNT_COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`).join(", ");

const SQL = {
  version: "SELECT max(version) AS version FROM btrt_schema",
  hasSchema: "SELECT name FROM sqlite_master WHERE name = 'btrt_schema'",
  facts: "SELECT first_seen, last_seen, downloaded FROM swarm WHERE info_hash = ?",
  write: `INSERT INTO swarm (${SWARM_COLUMNS}, quiet_since) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (info_hash) DO UPDATE SET first_seen = excluded.first_seen, last_seen = excluded.last_seen,
downloaded = excluded.downloaded, peers = excluded.peers, quiet_since = excluded.quiet_since`,
  read: `SELECT ${SWARM_COLUMNS} FROM swarm WHERE info_hash > ? ORDER BY info_hash LIMIT ?`,
  readLive: `SELECT ${SWARM_COLUMNS} FROM swarm WHERE info_hash > ? AND quiet_since IS NULL ORDER BY info_hash LIMIT ?`,
  deleteQuiet: `DELETE FROM swarm WHERE info_hash IN
(SELECT info_hash FROM swarm WHERE quiet_since < ? ORDER BY quiet_since LIMIT ?)`,
  addTotal: `INSERT INTO group_total (${TOTAL_COLUMNS}) VALUES (?, ?, ?${", ?".repeat(COUNT_COLUMNS.length)})
ON CONFLICT (span, start, peer_group) DO UPDATE SET ${ADD_COUNTS}`,
  readTotals: "SELECT * FROM group_total WHERE span = ? AND start >= ? ORDER BY start, peer_group",
  deleteTotals: "DELETE FROM group_total WHERE span = ? AND start < ?",
  count: "SELECT count(*) AS swarms FROM swarm",
  countQuiet: "SELECT count(*) AS quiet FROM swarm WHERE quiet_since IS NOT NULL",
} as const;

type Row = Record<string, SQLOutputValue>;

/** A SQLite file. */
export class SqliteDatabase implements Database {
  readonly name: string;
  readonly rowsAtOnce = 32;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #release = () => {};

  private constructor(path: string, database: DatabaseSync) {
    this.name = path;
    this.#database = database;
  }

  /** Opens a file, making it and its directory where they are not there. @throws DatabaseError */
  static async open(path: string): Promise<SqliteDatabase> {
    let database: DatabaseSync | undefined;
    try {
      mkdirSync(dirname(path), { recursive: true });
      database = new DatabaseSync(path, { timeout: 100 });
      database.exec(SETTINGS);
      const [problem] = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {});
      if (problem !== "ok") throw new DatabaseError("corrupt", `${path}: the file is damaged (${problem})`);
      return new SqliteDatabase(path, database);
    } catch (error) {
      database?.close();
      throw toDatabaseError(error, path);
    }
  }

  async claim(): Promise<void> {
    this.#release = takeTrackerLock(this.name);
  }

  async version(): Promise<number> {
    return this.#attempt(() => this.#version());
  }

  async migrate(): Promise<void> {
    this.#transact(() => {
      const now = Math.floor(Date.now() / 1000);
      const steps = stepsFrom(this.#version(), SCHEMA_VERSION, "sqlite", now);
      for (const sql of steps.flat()) this.#database.exec(sql);
    });
  }

  async readFacts(infoHashes: readonly Uint8Array[]): Promise<Map<string, SwarmFacts>> {
    return this.#attempt(() => {
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
    });
  }

  async writeSwarms(rows: readonly SwarmRow[]): Promise<void> {
    this.#transact(() => {
      const write = this.#prepare(SQL.write);
      for (const row of rows) {
        const { infoHash, firstSeen, lastSeen, downloaded, peers } = row;
        write.run(infoHash, firstSeen, lastSeen, downloaded, peers, quietSince(row));
      }
    });
  }

  async readSwarms(after: Uint8Array, limit: number, live: boolean): Promise<SwarmRow[]> {
    return this.#all(live ? SQL.readLive : SQL.read, after, limit).map(toSwarmRow);
  }

  async deleteQuiet(before: number, limit: number): Promise<number> {
    return this.#attempt(() => Number(this.#prepare(SQL.deleteQuiet).run(before, limit).changes));
  }

  async countQuiet(): Promise<number> {
    return Number(this.#all(SQL.countQuiet)[0].quiet);
  }

  async addTotals(totals: readonly GroupTotal[]): Promise<void> {
    this.#transact(() => {
      const add = this.#prepare(SQL.addTotal);
      for (const total of totals) add.run(...totalValues(total));
    });
  }

  async readTotals(span: number, from: number): Promise<GroupTotal[]> {
    return this.#all(SQL.readTotals, span, from).map(toTotal);
  }

  async deleteTotals(span: number, before: number): Promise<void> {
    this.#attempt(() => this.#prepare(SQL.deleteTotals).run(span, before));
  }

  async size(): Promise<DatabaseSize> {
    const swarms = Number(this.#all(SQL.count)[0].swarms);
    const files = [this.name, `${this.name}-wal`].map((path) => statSync(path, { throwIfNoEntry: false }));
    return {
      swarms,
      quiet: await this.countQuiet(),
      bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
    };
  }

  async close(): Promise<void> {
    // The last connection to close writes the log back into the file.
    if (this.#database.isOpen) this.#attempt(() => this.#database.close());
    this.#release();
    this.#release = () => {};
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

  /** Does all or nothing. */
  #transact(work: () => void): void {
    this.#attempt(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        work();
        this.#database.exec("COMMIT");
      } catch (error) {
        // After some errors SQLite has done so itself.
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
