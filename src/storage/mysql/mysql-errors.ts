/** What the errors of a MySQL or MariaDB server, and of the way to it, mean to an operator. */
import { DatabaseError, type DatabaseFailure } from "../database.ts";

const MEANINGS: Readonly<Record<string, readonly [DatabaseFailure, string]>> = {
  ER_ACCESS_DENIED_ERROR: ["denied", "the server refuses this user or password"],
  ER_DBACCESS_DENIED_ERROR: ["denied", "the user has no rights on this schema: GRANT them"],
  ER_TABLEACCESS_DENIED_ERROR: ["denied", "the user lacks rights on this schema: GRANT them"],
  ER_BAD_DB_ERROR: ["schema", "there is no such schema: CREATE DATABASE makes it"],
  ER_NO_SUCH_TABLE: ["schema", 'the schema is not complete: run "btrt db create"'],
  ECONNREFUSED: ["away", "nobody answers there"],
  ENOTFOUND: ["away", "there is no such host"],
  ETIMEDOUT: ["away", "it does not answer in time"],
  PROTOCOL_SEQUENCE_TIMEOUT: ["away", "it does not answer in time"],
  PROTOCOL_CONNECTION_LOST: ["away", "the connection was lost"],
  ECONNRESET: ["away", "the connection was lost"],
  EPIPE: ["away", "the connection was lost"],
  HANDSHAKE_NO_SSL_SUPPORT: ["denied", "the server does not speak TLS, which database.tls asks for"],
  HANDSHAKE_SSL_ERROR: ["denied", "TLS cannot be agreed on with the server"],
  ER_DISK_FULL: ["away", "the server's disk is full"],
  ER_RECORD_FILE_FULL: ["away", "the server's disk is full"],
  ER_OPTION_PREVENTS_STATEMENT: ["away", "the server is read-only"],
};

/** The error that storage understands for whatever the driver threw. The driver never repeats a password. */
export function toDatabaseError(error: unknown, name: string): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error && error.message !== "" ? error.message : code || String(error);
  const meaning = MEANINGS[code];
  if (meaning === undefined) return new DatabaseError("away", `${name}: ${message}`);
  return new DatabaseError(meaning[0], `${name}: ${meaning[1]} (${message})`);
}
