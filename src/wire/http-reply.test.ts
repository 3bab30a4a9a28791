import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bdecode, bencode } from "../../test/support/bencode.ts";
import { CLIENT_ERROR, CLIENT_ERRORS, RETRY_NEVER } from "../model/client-error.ts";
import { HTTP_ERROR, HTTP_ERRORS } from "../model/http-error.ts";
import { ascii } from "./ascii.ts";
import { beginReply, CONNECTION, encodeFailure, encodeHttpError, endReply } from "./http-reply.ts";

const OFFSET = 3;

/** The text that is written from {@link OFFSET} on; nothing may be written in front of it. */
function written(write: (bytes: Uint8Array) => number): string {
  const bytes = new Uint8Array(128 * 1024);
  const end = write(bytes);
  assert.deepEqual([...bytes.subarray(0, OFFSET)], [0, 0, 0]);
  return Buffer.from(bytes.subarray(OFFSET, end)).toString("latin1");
}

function reply(body: string, connection: (typeof CONNECTION)[keyof typeof CONNECTION]): string {
  return written((bytes) => {
    const bodyStart = beginReply(bytes, OFFSET, connection);
    bytes.set(ascii(body), bodyStart);
    return endReply(bytes, OFFSET, connection, bodyStart + body.length);
  });
}

describe("a reply", () => {
  it("has the length of its body, whatever its digits", () => {
    for (const length of [0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000]) {
      const body = "0123456789".repeat(length / 10).padEnd(length, "x");
      const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n`;
      assert.equal(reply(body, CONNECTION.unsaid), `${head}\r\n${body}`);
      assert.equal(reply(body, CONNECTION.close), `${head}Connection: close\r\n\r\n${body}`);
      assert.equal(reply(body, CONNECTION.keepAlive), `${head}Connection: keep-alive\r\n\r\n${body}`);
    }
  });
});

describe("encodeFailure", () => {
  it("tells every client error, and when to come back, in a dictionary", () => {
    for (const code of Object.values(CLIENT_ERROR)) {
      const text = written((bytes) => encodeFailure(bytes, OFFSET, code, CONNECTION.unsaid));
      const [head, body] = text.split("\r\n\r\n");
      const { reason, retryIn } = CLIENT_ERRORS[code];
      const failure = { "failure reason": reason, "retry in": retryIn === RETRY_NEVER ? "never" : retryIn };
      assert.ok(reason.length > 0);
      assert.deepEqual(bdecode(ascii(body)), failure);
      assert.equal(body, bencode(failure));
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
      assert.match(head, new RegExp(`Content-Length: ${body.length}$`));
    }
  });
});

describe("encodeHttpError", () => {
  it("tells every error in a text, and that the connection is closed", () => {
    for (const code of Object.values(HTTP_ERROR)) {
      const [head, body] = written((bytes) => encodeHttpError(bytes, OFFSET, code)).split("\r\n\r\n");
      const { status, text } = HTTP_ERRORS[code];
      assert.equal(body, `${text}\n`);
      assert.ok(head.startsWith(`HTTP/1.1 ${status}\r\n`) && /^4\d\d [A-Z]/.test(status));
      assert.match(head, new RegExp(`\r\nContent-Length: ${body.length}\r\n`));
      assert.match(head, /\r\nConnection: close$/);
      assert.equal(/\r\nAllow: GET\r\n/.test(head), code === HTTP_ERROR.method);
    }
  });
});
