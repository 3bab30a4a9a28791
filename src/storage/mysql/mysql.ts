/** MySQL and MariaDB servers. */
import type { DatabaseKind } from "../database-kind.ts";
import { MIGRATIONS } from "./migrations.ts";

const DEFAULT_PORT = 3306;

/** `mysql://HOST:PORT`, and `tcp://HOST:PORT` as in the original's configuration. */
export const mysql: DatabaseKind = {
  urlForms: ["tcp://HOST:PORT", "mysql://HOST:PORT"],
  urlPattern: /^(tcp|mysql):\/\/(\[[0-9a-f:.]+\]|[^\s/@:[\]]+)(:\d{1,5})?\/?$/i,
  description: '"tcp://127.0.0.1:3306" is a MySQL or MariaDB server',
  suggestion: "tcp://HOST:3306 for MySQL or MariaDB",
  migrations: MIGRATIONS,
  embedded: undefined,
  open: async (settings) => {
    const { MysqlDatabase } = await import("./mysql-database.ts");
    const { hostname, port } = new URL(settings.url.replace(/^tcp:/, "mysql:"));
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    return await MysqlDatabase.open({ ...settings, host, port: port === "" ? DEFAULT_PORT : Number(port) });
  },
};
