/** From the configuration's `database` to an open database. */
import type { Database } from "./database.ts";
import type { Dialect } from "./migrations/migrations.ts";
import type { ServerSettings } from "./mysql/mysql-connection.ts";

const DEFAULT_PORT = 3306;

/** Which database. */
export interface DatabaseSettings extends Omit<ServerSettings, "host" | "port"> {
  /** `sqlite:FILE`, `tcp://HOST:PORT` or `mysql://HOST:PORT`, checked by the configuration. */
  readonly url: string;
}

/** The dialect that a database speaks. */
export function dialectOf({ url }: Pick<DatabaseSettings, "url">): Dialect {
  return url.startsWith("sqlite:") ? "sqlite" : "mysql";
}

/** Opens it; the drivers are loaded as they are needed. @throws DatabaseError */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const { url } = settings;
  if (dialectOf(settings) === "sqlite") {
    const { SqliteDatabase } = await import("./sqlite/sqlite-database.ts");
    return SqliteDatabase.open(sqlitePath(url));
  }
  const { MysqlDatabase } = await import("./mysql/mysql-database.ts");
  const { hostname, port } = new URL(url.replace(/^tcp:/, "mysql:"));
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return MysqlDatabase.open({ ...settings, host, port: port === "" ? DEFAULT_PORT : Number(port) });
}

/** The file of an embedded database. */
export function sqlitePath(url: string): string {
  return url.slice("sqlite:".length);
}
