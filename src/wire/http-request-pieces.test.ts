/** That a request means the same however it is cut, and wherever it lies. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HTTP_ERROR } from "../model/http-error.ts";
import { ascii } from "./ascii.ts";
import {
  COMPLETE,
  HEADER_LINES_LIMIT,
  HEADERS_LIMIT,
  type HeadStatus,
  HttpRequest,
  INCOMPLETE,
  REQUEST_LINE_LIMIT,
} from "./http-request.ts";
import { VIEWED_BYTES } from "./words.ts";

const request = new HttpRequest();

function parse(before: string, text: string, after: string): HeadStatus {
  return request.parse(ascii(before + text + after), before.length, before.length + text.length, 0);
}

/** Parses a text byte by byte, as far as its first bytes are enough. */
function parseTrickle(text: string): HeadStatus {
  const bytes = ascii(text);
  let status: HeadStatus = INCOMPLETE;
  request.progress = 0;
  for (let end = 1; end <= bytes.length && status === INCOMPLETE; end++) {
    status = request.parse(bytes, 0, end, request.progress);
  }
  return status;
}

describe("a request cut into pieces", () => {
  /** Texts that are nearly requests. */
  const texts = fc
    .array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.constantFrom("GET ", "/announce", "?a=1", " HTTP/1.1\r\n", "Host: a\r\n", "\r\n"),
        },
        {
          weight: 2,
          arbitrary: fc.constantFrom("Connection: close\r\n", "Forwarded: x\r\n", "Content-Length: 0\r\n"),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom("\r", "\n", "\0", " ", ":", "POST ", "\xff", "HTTP/1.0\r\n"),
        },
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(""));
  const requests = fc.oneof(
    texts,
    texts.map((text) => `GET /announce?a=1 HTTP/1.1\r\n${text}\r\n\r\n`),
  );
  const result = (status: HeadStatus) => {
    const { headEnd, pathStart, queryEnd, keepAlive, forwarded } = request;
    return status === COMPLETE ? { headEnd, pathStart, queryEnd, keepAlive, lines: forwarded.count } : status;
  };

  it("is incomplete until it means what it means whole, wherever it is cut", () => {
    fc.assert(
      fc.property(requests, (text) => {
        const bytes = ascii(text);
        const whole = result(request.parse(bytes, 0, bytes.length, 0));
        for (let cut = 1; cut < bytes.length; cut++) {
          let status = request.parse(bytes, 0, cut, 0);
          if (status === INCOMPLETE) status = request.parse(bytes, 0, bytes.length, request.progress);
          if (status === INCOMPLETE && !text.slice(cut).includes("\n")) continue;
          assert.deepEqual(result(status), whole, `cut at ${cut}`);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("means the same for a parser that knows its headers, and for one that does not", () => {
    const all = ({ headEnd, keepAlive, hostStart, hostEnd, userAgentStart, userAgentEnd }: HttpRequest) => ({
      ...{ headEnd, keepAlive },
      // An empty field has no place.
      host: hostEnd > hostStart && [hostStart, hostEnd],
      userAgent: userAgentEnd > userAgentStart && [userAgentStart, userAgentEnd],
    });
    const viewed = new Uint8Array(VIEWED_BYTES);
    const hosts = texts.map((text) => `GET /a HTTP/1.${text.length % 2}\r\nUser-Agent: x\r\n${text}\r\n`);
    fc.assert(
      fc.property(fc.oneof(requests, hosts), fc.constantFrom("", "?more", "HTTP"), (text, path) => {
        const bytes = ascii(text.replace("GET /", `GET /${path}`));
        const fresh = new HttpRequest();
        const status = fresh.parse(bytes, 0, bytes.length, 0);
        viewed.set(bytes);
        for (const buffer of [bytes, viewed, bytes]) {
          assert.equal(request.parse(buffer, 0, bytes.length, 0), status);
          if (status === COMPLETE) assert.deepEqual(all(request), all(fresh));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("means the same wherever it lies, and whatever lies around it", () => {
    fc.assert(
      fc.property(
        requests,
        fc.string({ unit: "binary-ascii" }),
        fc.string({ unit: "binary-ascii" }),
        (text, a, b) => {
          const status = parse("", text, "");
          assert.equal(parse(a, text, b), status);
          if (status === COMPLETE)
            assert.ok(request.headEnd > a.length && request.headEnd <= a.length + text.length);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("is cheap: 32 KiB byte by byte, and as many lines as allowed", () => {
    const longest = `GET /${"x".repeat(REQUEST_LINE_LIMIT - 16)} HTTP/1.1\r\n`;
    const manyLines = [longest, "A: b\r\n".repeat(HEADER_LINES_LIMIT), "A: ", "x".repeat(HEADERS_LIMIT)].join(
      "",
    );
    const started = process.cpuUsage();
    assert.equal(parseTrickle(manyLines), HTTP_ERROR.headersTooLarge);
    assert.equal(parseTrickle(longest + "A:".repeat(HEADERS_LIMIT)), HTTP_ERROR.headersTooLarge);
    assert.equal(parseTrickle("x".repeat(REQUEST_LINE_LIMIT)), HTTP_ERROR.requestLineTooLong);
    const { user, system } = process.cpuUsage(started);
    assert.ok(user + system < 500_000, `${user + system} µs`);
  });
});
