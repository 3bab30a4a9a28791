/** A connection to a MySQL or MariaDB server. The driver is loaded when the first is made. */
import { readFile } from "node:fs/promises";
import { connect as connectSocket, type Socket } from "node:net";
import type { Connection } from "mysql2/promise";
import { DatabaseError } from "../database.ts";
import type { DatabaseSettings } from "../database-kind.ts";

/** The timeout of the connection and its handshake. */
const CONNECT_TIMEOUT_MS = 10_000;

/** The address of a server, and the account on it. */
export interface ServerSettings extends Omit<DatabaseSettings, "url"> {
  readonly host: string;
  readonly port: number;
}

/** A connection and its socket. */
export interface ServerConnection {
  readonly connection: Connection;
  readonly socket: Socket;
}

/**
 * Connects. The socket is created here, so that it can be destroyed: the driver only closes its own half, and a server
 * that does not answer any more would keep the process alive.
 * @param onLost called when the connection ends by itself.
 */
export async function connect(settings: ServerSettings, onLost: () => void): Promise<ServerConnection> {
  const { createConnection } = await import("mysql2/promise");
  const { host, port, user, password, schema, tls } = settings;
  const ssl = tls ? { ssl: { verifyIdentity: true, ...(await readCa(settings.tlsCa)) } } : {};
  const socket = connectSocket({ host, port, noDelay: true, keepAlive: true });
  const connection = await createConnection({
    stream: socket,
    host,
    port,
    user,
    password: password ?? "",
    database: schema,
    charset: "utf8mb4",
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...ssl,
  }).catch((error: unknown) => {
    socket.destroy();
    throw error;
  });
  // Without a listener an error between two statements would end the process.
  connection.on("error", onLost);
  return { connection, socket };
}

async function readCa(file: string | null): Promise<{ ca?: Buffer }> {
  if (file === null) return {};
  try {
    return { ca: await readFile(file) };
  } catch (error) {
    throw new DatabaseError("denied", `database.tls_ca: ${error instanceof Error ? error.message : error}`);
  }
}
