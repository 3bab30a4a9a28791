/** A connection to a MySQL or MariaDB server. The driver is loaded when the first is made. */
import { readFile } from "node:fs/promises";
import type { Connection } from "mysql2/promise";
import { DatabaseError } from "../database.ts";

/** How long a server may take to answer at all. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Where a server is, and who we are to it. */
export interface ServerSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | null;
  readonly schema: string;
  /** Whether to speak TLS, and to check the server's certificate. */
  readonly tls: boolean;
  /** The file with the certificate that the server's is signed with (PEM); null: those that Node.js trusts. */
  readonly tlsCa: string | null;
}

/** Connects. @param onLost is called when the connection ends by itself. */
export async function connect(settings: ServerSettings, onLost: () => void): Promise<Connection> {
  const { createConnection } = await import("mysql2/promise");
  const { host, port, user, password, schema, tls } = settings;
  const connection = await createConnection({
    host,
    port,
    user,
    password: password ?? "",
    database: schema,
    charset: "utf8mb4",
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(tls ? { ssl: { verifyIdentity: true, ...(await readCa(settings.tlsCa)) } } : {}),
  });
  // Without a listener an error between two statements would end the process.
  connection.on("error", onLost);
  return connection;
}

async function readCa(file: string | null): Promise<{ ca?: Buffer }> {
  if (file === null) return {};
  try {
    return { ca: await readFile(file) };
  } catch (error) {
    throw new DatabaseError("denied", `database.tls_ca: ${error instanceof Error ? error.message : error}`);
  }
}
