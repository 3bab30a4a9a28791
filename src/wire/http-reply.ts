/**
 * Writes HTTP/1.1 replies whose length is known only afterwards. The head reserves three digits for the length, which
 * almost all replies have; with more or fewer the body is moved. There is no Date header, although RFC 9110 6.6.1
 * requires it: clients do not read it, and it would add 37 bytes to every reply.
 */
import { CLIENT_ERRORS, type ClientErrorCode, RETRY_NEVER } from "../model/client-error.ts";
import { HTTP_ERRORS, type HttpErrorCode } from "../model/http-error.ts";
import { ascii, writeBytes } from "./ascii.ts";
import { decimalDigits, writeDecimal } from "./decimal.ts";

/** The Connection header: none, as HTTP/1.1 keeps connections open by default, or one that the client needs. */
export const CONNECTION = { unsaid: 0, close: 1, keepAlive: 2 } as const;
export type Connection = (typeof CONNECTION)[keyof typeof CONNECTION];

const EXPECTED_DIGITS = 3;

const HEAD = ascii("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ");
const HEAD_ENDS = [
  ascii("\r\n\r\n"),
  ascii("\r\nConnection: close\r\n\r\n"),
  ascii("\r\nConnection: keep-alive\r\n\r\n"),
] as const;

/** Complete heads, without the digits of the length. */
const HEADS = HEAD_ENDS.map((end) => Uint8Array.of(...HEAD, ...new Uint8Array(EXPECTED_DIGITS), ...end));

const ERRORS = HTTP_ERRORS.map(({ status, text }) => {
  const allow = status.startsWith("405") ? "Allow: GET\r\n" : "";
  const headers = `Content-Type: text/plain\r\nContent-Length: ${text.length + 1}\r\n${allow}Connection: close`;
  return ascii(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${text}\n`);
});

const FAILURES = CLIENT_ERRORS.map(({ reason, retryIn }) => {
  const retry = retryIn === RETRY_NEVER ? "5:never" : `i${retryIn}e`;
  return ascii(`d14:failure reason${reason.length}:${reason}8:retry in${retry}e`);
});

/** Starts a reply with status 200 at `offset`. @returns where to write the body before {@link endReply}. */
export function beginReply(bytes: Uint8Array, offset: number, connection: Connection): number {
  const head = HEADS[connection];
  bytes.set(head, offset);
  return offset + head.length;
}

/**
 * Completes the reply started at `offset`, whose body ends at `bodyEnd`.
 * @returns the end of the reply.
 */
export function endReply(bytes: Uint8Array, offset: number, connection: Connection, bodyEnd: number): number {
  const body = offset + HEADS[connection].length;
  const length = bodyEnd - body;
  const shift = decimalDigits(length) - EXPECTED_DIGITS;
  if (shift !== 0) bytes.copyWithin(body + shift, body, bodyEnd);
  const lengthEnd = writeDecimal(bytes, offset + HEAD.length, length);
  if (shift !== 0) writeBytes(bytes, lengthEnd, HEAD_ENDS[connection]);
  return bodyEnd + shift;
}

/** Writes a complete reply for an HTTP error, which closes the connection. */
export function encodeHttpError(bytes: Uint8Array, offset: number, error: HttpErrorCode): number {
  return writeBytes(bytes, offset, ERRORS[error]);
}

/**
 * Writes a complete reply for an invalid announce or scrape: `failure reason` (BEP 3) and `retry in` (BEP 31), with
 * status 200, as clients show the reason only then.
 */
export function encodeFailure(
  bytes: Uint8Array,
  offset: number,
  error: ClientErrorCode,
  connection: Connection,
): number {
  return encodeBody(bytes, offset, FAILURES[error], connection);
}

/** Writes a complete reply with the given body. */
export function encodeBody(
  bytes: Uint8Array,
  offset: number,
  body: Uint8Array,
  connection: Connection,
): number {
  const bodyEnd = writeBytes(bytes, beginReply(bytes, offset, connection), body);
  return endReply(bytes, offset, connection, bodyEnd);
}
