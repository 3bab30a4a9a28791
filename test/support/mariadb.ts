/** A real MariaDB server for one test: on a free port, in a temporary directory, removed after the test. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { until } from "./bed.ts";
import { freePort } from "./free-port.ts";

/** The user of trackers. */
const USER = "btrt";
/** A password with characters that are special in URLs, shells and queries. */
export const MARIADB_PASSWORD = "se'cr\"et%40 \\€";

/** Anything with an `after` hook: a test, or its file. */
interface Scope {
  after(done: () => Promise<void>): void;
}

/** The settings with which a tracker reaches a schema. */
export interface SchemaSettings {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly schema: string;
}

/** One server. */
export class MariaDb {
  readonly port: number;
  readonly #directory: string;
  readonly #options: readonly string[];
  #server: ChildProcess | undefined;

  private constructor(directory: string, port: number, options: readonly string[]) {
    this.#directory = directory;
    this.port = port;
    this.#options = options;
  }

  /** Installs and starts a server. @param options for the server, such as `--ssl-cert=…`. */
  static async start(scope: Scope, ...options: string[]): Promise<MariaDb> {
    const directory = mkdtempSync(join(tmpdir(), "btrt-mariadb-"));
    const server = new MariaDb(directory, await freePort(), options);
    const clear = () => {
      server.#server?.kill("SIGKILL");
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    };
    process.once("exit", clear);
    scope.after(async () => {
      await server.kill();
      clear();
      process.off("exit", clear);
    });
    const install = ["--auth-root-authentication-method=normal", "--skip-test-db"];
    execFileSync("mariadb-install-db", [...server.#common(), ...install], { stdio: "ignore" });
    await server.start();
    return server;
  }

  /** Starts it, at first or again, and waits until it answers. */
  async start(): Promise<void> {
    const at = [
      `--port=${this.port}`,
      `--socket=${this.#socket}`,
      `--pid-file=${join(this.#directory, "pid")}`,
    ];
    const options = ["--bind-address=127.0.0.1", "--skip-name-resolve", ...this.#options];
    this.#server = spawn("mariadbd", [...this.#common(), ...at, ...options], { stdio: "ignore" });
    await until("MariaDB answers", async () => {
      try {
        await this.execute("SELECT 1");
        return true;
      } catch {
        return false;
      }
    });
  }

  /** Its process id. */
  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  /** Kills it. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    server.kill("SIGKILL");
    await exit;
  }

  /** Makes an empty schema, and a user with all rights on it. */
  async makeSchema(): Promise<SchemaSettings> {
    const schema = `btrt_${randomBytes(6).toString("hex")}`;
    await this.execute(`CREATE DATABASE ${schema}`);
    await this.execute(`CREATE USER IF NOT EXISTS '${USER}'@'127.0.0.1' IDENTIFIED BY ?`, [MARIADB_PASSWORD]);
    await this.execute(`GRANT ALL PRIVILEGES ON ${schema}.* TO '${USER}'@'127.0.0.1'`);
    return { url: `tcp://127.0.0.1:${this.port}`, user: USER, password: MARIADB_PASSWORD, schema };
  }

  /** Changes the recorded version of a schema, but not its tables. @param change added to the version. */
  async changeVersion(schema: string, change: 1 | -1): Promise<void> {
    const table = `${schema}.btrt_schema`;
    await this.execute(
      change === 1
        ? `INSERT INTO ${table} SELECT MAX(version) + 1, 0 FROM ${table}`
        : `DELETE FROM ${table} ORDER BY version DESC LIMIT 1`,
    );
  }

  /** Executes statements as root, one after the other. @param values of the first. */
  async execute(statements: string | readonly string[], values: string[] = []): Promise<void> {
    let connection: Connection | undefined;
    try {
      connection = await this.connect();
      for (const [i, sql] of [statements].flat().entries())
        await connection.query(sql, i === 0 ? values : []);
    } finally {
      connection?.destroy();
    }
  }

  /** A connection as root. */
  connect(): Promise<Connection> {
    return createConnection({ socketPath: this.#socket, user: "root" });
  }

  get #socket(): string {
    return join(this.#directory, "socket");
  }

  #common(): string[] {
    return ["--no-defaults", `--user=${userInfo().username}`, `--datadir=${join(this.#directory, "data")}`];
  }
}
