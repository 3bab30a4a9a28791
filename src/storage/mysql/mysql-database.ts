/**
 * A schema on a MySQL or MariaDB server. It uses one connection, and reconnects when the connection is lost. Swarms are
 * written many rows per statement. The statement's text contains only numbers and hexadecimal bytes.
 */
import type { Connection, QueryValues, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import {
  AFTER_ALL_TOTALS,
  type Database,
  DatabaseError,
  type DatabaseSize,
  type GroupTotal,
  inactiveSince,
  keyOf,
  type SwarmFacts,
  type SwarmRow,
} from "../database.ts";
import { COUNT_COLUMNS, SWARM_COLUMNS, TOTAL_COLUMNS, toSwarmRow, toTotal, totalValues } from "../rows.ts";
import { stepsFrom } from "../schema.ts";
import { MIGRATIONS, OUR_TABLES } from "./migrations.ts";
import { connect, type ServerConnection, type ServerSettings } from "./mysql-connection.ts";
import { toDatabaseError } from "./mysql-errors.ts";

/** The timeout of a statement. A statement of a few hundred rows takes milliseconds. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** The time to wait for the claim of another tracker, which may have been killed a moment ago. */
const CLAIM_TIMEOUT_SECONDS = 5;
/** The time to wait for another migration. */
const MIGRATION_TIMEOUT_SECONDS = 600;

/** Characters of a statement that writes swarms: well below a server's `max_allowed_packet`. */
const STATEMENT_LENGTH = 1 << 20;

const WRITE = `INSERT INTO swarm (${SWARM_COLUMNS}, quiet_since) VALUES `;
const WRITE_END = ` ON DUPLICATE KEY UPDATE first_seen = VALUES(first_seen), last_seen = VALUES(last_seen),
downloaded = VALUES(downloaded), peers = VALUES(peers), quiet_since = VALUES(quiet_since)`;
const ADD_COUNTS = COUNT_COLUMNS.map((column) => `${column} = ${column} + VALUES(${column})`).join(", ");
const ADD_TOTAL = `INSERT INTO group_total (${TOTAL_COLUMNS}) VALUES (?) ON DUPLICATE KEY UPDATE ${ADD_COUNTS}`;
const NEW_COUNTS = COUNT_COLUMNS.map((column) => `${column} = VALUES(${column})`).join(", ");
const REPLACE_TOTAL = `INSERT INTO group_total (${TOTAL_COLUMNS}) VALUES (?) ON DUPLICATE KEY UPDATE ${NEW_COUNTS}`;
const COUNT_INACTIVE = "SELECT COUNT(*) AS inactive FROM swarm WHERE quiet_since IS NOT NULL";
const SIZE = `SELECT (SELECT COUNT(*) FROM swarm) AS swarms,
(SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()) AS bytes`;

/** A schema on a server. */
export class MysqlDatabase implements Database {
  readonly name: string;
  /** A server synchronizes its disk once per statement. */
  readonly rowsAtOnce = 256;
  readonly #settings: ServerSettings;
  #connection: Promise<ServerConnection> | undefined;
  #claimed = false;
  #closed = false;
  /**
   * The last queued operation. Operations run one after the other, because after an error the connection is discarded
   * with everything that is in flight on it.
   */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(settings: ServerSettings) {
    this.name = `${settings.host}:${settings.port}/${settings.schema}`;
    this.#settings = settings;
  }

  /** Connects. @throws DatabaseError */
  static async open(settings: ServerSettings): Promise<MysqlDatabase> {
    const database = new MysqlDatabase(settings);
    await database.#attempt(async () => {});
    return database;
  }

  async claim(): Promise<void> {
    this.#claimed = true;
    await this.#attempt((connection) => this.#lock(connection, "tracker", CLAIM_TIMEOUT_SECONDS));
  }

  /** A server manages its own files. */
  async verify(): Promise<void> {}

  async version(): Promise<number> {
    const tables = await this.#rows("SHOW TABLES LIKE 'btrt_schema'");
    if (tables.length === 0) return 0;
    const [row] = await this.#rows("SELECT MAX(version) AS version FROM btrt_schema");
    return Number(row.version ?? 0);
  }

  async migrate(): Promise<void> {
    await this.#attempt((connection) => this.#lock(connection, "migration", MIGRATION_TIMEOUT_SECONDS));
    try {
      const version = await this.version();
      if (version === 0) await this.#requireNoForeignTables();
      const steps = stepsFrom(MIGRATIONS, version);
      for (const sql of steps.flat()) await this.#execute(sql, undefined, MIGRATION_TIMEOUT_SECONDS * 1000);
    } finally {
      await this.#execute("DO RELEASE_LOCK(?)", [this.#lockName("migration")]);
    }
  }

  /** @throws DatabaseError `foreign` if another program has tables with our names. */
  async #requireNoForeignTables(): Promise<void> {
    const rows = await this.#rows(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()",
    );
    const names = rows.map(({ name }) => String(name));
    const foreign = OUR_TABLES.find((table) => names.includes(table));
    if (foreign === undefined || names.includes("btrt_schema")) return;
    throw new DatabaseError(
      "foreign",
      `${this.name}: its table "${foreign}" is of another program, and was not changed: create a schema of its own, ` +
        "and name it in database.schema",
    );
  }

  async readFacts(infoHashes: readonly Uint8Array[]): Promise<Map<string, SwarmFacts>> {
    if (infoHashes.length === 0) return new Map();
    const list = infoHashes.map(hex).join(", ");
    const rows = await this.#rows(
      `SELECT info_hash, first_seen, last_seen, downloaded, '' AS peers FROM swarm WHERE info_hash IN (${list})`,
    );
    return new Map(
      rows.map((row) => [
        keyOf(row.info_hash),
        {
          firstSeen: Number(row.first_seen),
          lastSeen: Number(row.last_seen),
          downloaded: Number(row.downloaded),
        },
      ]),
    );
  }

  async writeSwarms(rows: readonly SwarmRow[]): Promise<void> {
    let values: string[] = [];
    let length = 0;
    const flush = async () => {
      if (values.length > 0) await this.#execute(WRITE + values.join(",") + WRITE_END);
      values = [];
      length = 0;
    };
    for (const row of rows) {
      const { infoHash, firstSeen, lastSeen, downloaded, peers } = row;
      const value = `(${hex(infoHash)},${firstSeen},${lastSeen},${downloaded},${hex(peers)},${inactiveSince(row)})`;
      if (length + value.length > STATEMENT_LENGTH) await flush();
      values.push(value);
      length += value.length;
    }
    await flush();
  }

  async readSwarms(after: Uint8Array, limit: number, live: boolean): Promise<SwarmRow[]> {
    const where = `info_hash > ${hex(after)}${live ? " AND quiet_since IS NULL" : ""}`;
    const rows = await this.#rows(
      `SELECT ${SWARM_COLUMNS} FROM swarm FORCE INDEX (PRIMARY) WHERE ${where} ORDER BY info_hash LIMIT ${limit}`,
    );
    return rows.map(toSwarmRow);
  }

  async deleteInactive(before: number, limit: number): Promise<number> {
    const sql = "DELETE FROM swarm WHERE quiet_since < ? ORDER BY quiet_since LIMIT ?";
    return (await this.#execute(sql, [before, limit])).affectedRows;
  }

  async countInactive(): Promise<number> {
    const [row] = await this.#rows(COUNT_INACTIVE);
    return Number(row.inactive);
  }

  addTotals(totals: readonly GroupTotal[]): Promise<void> {
    return this.#writeTotals(ADD_TOTAL, totals);
  }

  replaceTotals(totals: readonly GroupTotal[]): Promise<void> {
    return this.#writeTotals(REPLACE_TOTAL, totals);
  }

  /** Executes a statement for each total, all or none. */
  async #writeTotals(sql: string, totals: readonly GroupTotal[]): Promise<void> {
    await this.#attempt(async (connection) => {
      const execute = (sql: string, values?: QueryValues) =>
        connection.query({ sql, values, timeout: STATEMENT_TIMEOUT_MS });
      await execute("START TRANSACTION");
      for (const total of totals) await execute(sql, [totalValues(total)]);
      await execute("COMMIT");
    });
  }

  async readTotals(span: number, from: number, to: number = AFTER_ALL_TOTALS): Promise<GroupTotal[]> {
    const sql =
      "SELECT * FROM group_total WHERE span = ? AND start >= ? AND start < ? ORDER BY start, peer_group";
    return (await this.#rows(sql, [span, from, to])).map(toTotal);
  }

  async deleteTotals(span: number, before: number): Promise<void> {
    await this.#execute("DELETE FROM group_total WHERE span = ? AND start < ?", [span, before]);
  }

  async size(): Promise<DatabaseSize> {
    const [row] = await this.#rows(SIZE);
    return { swarms: Number(row.swarms), inactive: await this.countInactive(), bytes: Number(row.bytes) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    const open = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    // This sends COM_QUIT to the server, which may not answer any more.
    await open?.connection.end().catch(() => open.socket.destroy());
    open?.socket.unref();
  }

  /** The connection. A lost one is opened again, and the claim is taken again. */
  #connect(): Promise<ServerConnection> {
    this.#connection ??= this.#open();
    return this.#connection;
  }

  async #open(): Promise<ServerConnection> {
    if (this.#closed) throw new DatabaseError("unavailable", `${this.name}: it has been closed`);
    const open = await connect(this.#settings, () => {
      this.#connection = undefined;
    });
    try {
      if (this.#claimed) await this.#lock(open.connection, "tracker", CLAIM_TIMEOUT_SECONDS);
      return open;
    } catch (error) {
      open.socket.destroy();
      throw error;
    }
  }

  /** Takes a lock that the server releases when the connection ends. */
  async #lock(connection: Connection, what: "tracker" | "migration", seconds: number): Promise<void> {
    const [[row]] = await connection.query<RowDataPacket[]>({
      sql: "SELECT GET_LOCK(?, ?) AS taken",
      values: [this.#lockName(what), seconds],
      timeout: seconds * 1000 + STATEMENT_TIMEOUT_MS,
    });
    if (row.taken !== 1) throw new DatabaseError("claimed", `${this.name}: another ${what} is using it`);
  }

  #lockName(what: "tracker" | "migration"): string {
    // Lock names are global on the server, and have at most 64 characters.
    return `btrt ${what} ${this.#settings.schema}`.slice(0, 64);
  }

  async #rows(sql: string, values?: QueryValues): Promise<RowDataPacket[]> {
    return this.#attempt(async (connection) => {
      const [rows] = await connection.query<RowDataPacket[]>({ sql, values, timeout: STATEMENT_TIMEOUT_MS });
      return rows;
    });
  }

  async #execute(
    sql: string,
    values?: QueryValues,
    timeout = STATEMENT_TIMEOUT_MS,
  ): Promise<ResultSetHeader> {
    return this.#attempt(async (connection) => {
      const [header] = await connection.query<ResultSetHeader>({ sql, values, timeout });
      return header;
    });
  }

  #attempt<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const attempt = this.#last.then(() => this.#try(work));
    this.#last = attempt.catch(() => {});
    return attempt;
  }

  /** After an error the next statement uses a new connection: the state of the old one is unknown. */
  async #try<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await work((await this.#connect()).connection);
    } catch (error) {
      const open = this.#connection;
      this.#connection = undefined;
      void open?.then((broken) => broken.socket.destroy()).catch(() => {});
      throw toDatabaseError(error, this.name);
    }
  }
}

function hex(bytes: Uint8Array): string {
  return `X'${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}'`;
}
