/** Translates errors of MySQL and MariaDB servers, and of the connection to them. */
import { DatabaseError, type DatabaseFailure } from "../database.ts";

const MEANINGS: Readonly<Record<string, readonly [DatabaseFailure, string]>> = {
  ER_ACCESS_DENIED_ERROR: ["denied", "the server refuses this user or password"],
  ER_DBACCESS_DENIED_ERROR: ["denied", "the user has no rights on this schema: GRANT them"],
  ER_TABLEACCESS_DENIED_ERROR: ["denied", "the user lacks rights on this schema: GRANT them"],
  ER_BAD_DB_ERROR: ["schema", "there is no such schema: CREATE DATABASE makes it"],
  ER_NO_SUCH_TABLE: ["schema", 'the schema is not complete: run "btrt db create"'],
  ECONNREFUSED: ["unavailable", "no server listens there"],
  ENOTFOUND: ["unavailable", "no such host"],
  ETIMEDOUT: ["unavailable", "it does not answer in time"],
  PROTOCOL_SEQUENCE_TIMEOUT: ["unavailable", "it does not answer in time"],
  PROTOCOL_CONNECTION_LOST: ["unavailable", "the connection was lost"],
  ECONNRESET: ["unavailable", "the connection was lost"],
  EPIPE: ["unavailable", "the connection was lost"],
  HANDSHAKE_NO_SSL_SUPPORT: ["denied", "the server does not speak TLS, which database.tls asks for"],
  HANDSHAKE_SSL_ERROR: ["denied", "TLS cannot be agreed on with the server"],
  ER_DISK_FULL: ["unavailable", "the server's disk is full"],
  ER_RECORD_FILE_FULL: ["unavailable", "the server's disk is full"],
  ER_OPTION_PREVENTS_STATEMENT: ["unavailable", "the server is read-only"],
};

/** Converts an error of the driver. Its messages never contain the password. */
export function toDatabaseError(error: unknown, name: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error && error.message !== "" ? error.message : code || String(error);
  const meaning = MEANINGS[code];
  if (meaning === undefined) return new DatabaseError("unavailable", `${name}: ${message}`);
  return new DatabaseError(meaning[0], `${name}: ${meaning[1]} (${message})`);
}
