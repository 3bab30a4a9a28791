import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { INPUT_BYTES } from "../engine/engine.ts";
import { HTTP_ERROR, HTTP_ERRORS } from "../model/http-error.ts";
import { ascii } from "./ascii.ts";
import {
  COMPLETE,
  type FieldLines,
  FORWARDED_LINES_LIMIT,
  HEADER_LINES_LIMIT,
  HEADERS_LIMIT,
  type HeadStatus,
  HttpRequest,
  INCOMPLETE,
  REQUEST_LINE_LIMIT,
} from "./http-request.ts";

const request = new HttpRequest();

/** Parses a text at once, between bytes that must not be read. */
function parse(
  text: string,
  before = "GET / HTTP/1.1\r\n",
  after = "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
): HeadStatus {
  const bytes = ascii(before + text + after);
  return request.parse(bytes, before.length, before.length + text.length, 0);
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

function what(status: HeadStatus): string {
  if (status === INCOMPLETE) return "incomplete";
  return status === COMPLETE ? "complete" : HTTP_ERRORS[status].text;
}

function assertError(text: string, error: HeadStatus): void {
  assert.equal(what(parse(text)), what(error), JSON.stringify(text));
  assert.equal(what(parseTrickle(text)), what(error), `byte by byte ${JSON.stringify(text)}`);
}

function complete(text: string): { path: string; query: string; keepAlive: boolean } {
  assert.equal(what(parse(text, "")), "complete", JSON.stringify(text));
  assert.equal(request.headEnd, text.length);
  const slice = (start: number, end: number) => text.slice(start, end);
  return {
    path: slice(request.pathStart, request.pathEnd),
    query: slice(request.queryStart, request.queryEnd),
    keepAlive: request.keepAlive,
  };
}

function head(...headers: string[]): string {
  return ["GET /announce?a=1 HTTP/1.1", ...headers, "", ""].join("\r\n");
}

function values(text: string, lines: FieldLines): string[] {
  return Array.from({ length: lines.count }, (_, i) => text.slice(lines.starts[i], lines.ends[i]).trim());
}

describe("the request line", () => {
  it("gives path and query", () => {
    assert.deepEqual(complete("GET /announce?a=1&b=?/ HTTP/1.1\r\n\r\n"), {
      path: "/announce",
      query: "a=1&b=?/",
      keepAlive: true,
    });
    assert.equal(complete("GET /scrape HTTP/1.1\r\n\r\n").query, "");
    assert.equal(complete("GET /scrape? HTTP/1.1\r\n\r\n").query, "");
  });

  it("may have raw bytes beyond ASCII in its target", () => {
    assert.equal(complete("GET /a?h=\x80\xff# HTTP/1.1\r\n\r\n").query, "h=\x80\xff#");
  });

  it("may have an absolute target, of which scheme and authority are skipped", () => {
    assert.equal(complete("GET http://retracker.local/announce?a HTTP/1.1\r\n\r\n").path, "/announce");
    assert.equal(complete("GET HTTPS://[::1]:80/x?http://y/ HTTP/1.1\r\n\r\n").query, "http://y/");
    assert.deepEqual(complete("GET http://host?a=1 HTTP/1.1\r\n\r\n"), {
      path: "",
      query: "a=1",
      keepAlive: true,
    });
    assert.equal(complete("GET http://host HTTP/1.1\r\n\r\n").path, "");
  });

  it("has no other form of target", () => {
    for (const target of [
      "*",
      "announce",
      "ftp://host/",
      "http:/host/",
      "http:///x",
      "http://?x",
      "host:80",
      "http",
      ":",
    ]) {
      assertError(`GET ${target} HTTP/1.1\r\n\r\n`, HTTP_ERROR.target);
    }
  });

  it("has one space between its three parts, and nothing else", () => {
    const lines = [
      "GET  / HTTP/1.1",
      "GET / HTTP/1.1 ",
      " GET / HTTP/1.1",
      "GET /a b HTTP/1.1",
      "GET\t/ HTTP/1.1",
      "GET /",
    ];
    for (const line of [...lines, "GET / ", "GET", "GET /\tHTTP/1.1", "GET /  HTTP/1.1", "G(T / HTTP/1.1"]) {
      assertError(`${line}\r\n\r\n`, HTTP_ERROR.requestLine);
    }
  });

  it("is HTTP/1.0 or HTTP/1.1", () => {
    complete("GET / HTTP/1.0\r\n\r\n");
    assert.ok(request.isHttp10);
    for (const version of ["1.1", "1.2", "1.9"]) {
      complete(`GET / HTTP/${version}\r\n\r\n`);
      assert.ok(!request.isHttp10);
    }
    for (const version of [
      "HTTP/2.0",
      "HTTP/0.9",
      "HTTP/1",
      "HTTP/1.",
      "HTTP/1.x",
      "HTTP/1.10",
      "http/1.1",
      "HTTP/11",
      "H",
    ]) {
      assertError(`GET / ${version}\r\n\r\n`, HTTP_ERROR.requestLine);
    }
  });

  it("has the method GET", () => {
    for (const method of ["POST", "HEAD", "OPTIONS", "get", "GETT", "GE", "CONNECT", "PRI"]) {
      assertError(`${method} /announce HTTP/1.1\r\n\r\n`, HTTP_ERROR.method);
    }
  });

  it("may follow two empty lines, not three", () => {
    complete("\r\nGET / HTTP/1.1\r\n\r\n");
    complete("\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    assertError("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", HTTP_ERROR.requestLine);
    assert.equal(parse("\r"), INCOMPLETE);
    assert.equal(parse("\r\n\r\n"), INCOMPLETE);
  });
});

describe("header lines", () => {
  it("have names in any case", () => {
    for (const name of ["content-length", "CONTENT-LENGTH", "Content-Length", "cOnTeNt-LeNgTh"]) {
      assertError(head(`${name}: 1`), HTTP_ERROR.body);
    }
    const text = head("FORWARDED: for=1.2.3.4", "x-forwarded-FOR: 1.2.3.4");
    complete(text);
    assert.equal(request.forwarded.count + request.xForwardedFor.count, 2);
  });

  it("may have blanks around their value, or none, and bytes beyond ASCII in it", () => {
    const text = head("Forwarded:a", "Forwarded: \t b \t", "Forwarded:", "User-Agent: \xb5Torrent\t3");
    complete(text);
    assert.deepEqual(values(text, request.forwarded), ["a", "b", ""]);
  });

  it("have a name, made of a token, and a colon right behind it", () => {
    for (const line of [
      "Host : a",
      " Host: a",
      "Host",
      ": a",
      "Ho st: a",
      "H\xc3: a",
      "Host\t: a",
      "(x): a",
      "a=b",
    ]) {
      assertError(head(line), HTTP_ERROR.header);
    }
  });

  it("are not folded", () => {
    assertError(head("Host: a", " b"), HTTP_ERROR.header);
    assertError(head("Host: a", "\tContent-Length: 1"), HTTP_ERROR.header);
  });

  it("end in CR LF, neither of which stands alone", () => {
    assertError("GET / HTTP/1.1\nHost: a\n\n", HTTP_ERROR.lineEnd);
    assertError("GET / HTTP/1.1\r\nHost: a\n\r\n", HTTP_ERROR.lineEnd);
    assertError("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", HTTP_ERROR.lineEnd);
    assertError("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", HTTP_ERROR.lineEnd);
    assertError("GET / HTTP/1.1\r\rHost: a\r\n\r\n", HTTP_ERROR.lineEnd);
    assertError("GET / HTTP/1.1\r\nHost: a\r\n\rGET / HTTP/1.1\r\n\r\n", HTTP_ERROR.lineEnd);
    assertError("\nGET / HTTP/1.1\r\n\r\n", HTTP_ERROR.lineEnd);
    assertError("GET /\rx HTTP/1.1\r\n\r\n", HTTP_ERROR.requestLine);
  });

  it("hold no control bytes", () => {
    for (let byte = 0; byte < 0x20; byte++) {
      if (byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
      const control = String.fromCharCode(byte);
      for (const text of [
        `GET /${control} HTTP/1.1\r\n\r\n`,
        head(`A: ${control}`),
        head(`A${control}: b`),
        control,
      ]) {
        assertError(text, HTTP_ERROR.controlByte);
      }
    }
    assertError(head("A: \x7f"), HTTP_ERROR.controlByte);
    assertError("GET /\x7f HTTP/1.1\r\n\r\n", HTTP_ERROR.controlByte);
  });

  it("name one host at most", () => {
    complete(head());
    complete(head("Host: a"));
    assertError(head("Host: a", "hOST: a"), HTTP_ERROR.hostRepeated);
  });

  it("announce no body", () => {
    complete(head("Content-Length: 0"));
    complete(head("Content-Length:00"));
    for (const length of [
      "1",
      "-0",
      "+0",
      "0, 0",
      "0x0",
      "",
      " ",
      "00000000000000000001",
      "18446744073709551616",
      "a",
    ]) {
      assertError(head(`Content-Length: ${length}`), HTTP_ERROR.body);
    }
    assertError(head("Content-Length: 0", "Content-Length: 0"), HTTP_ERROR.body);
    for (const coding of ["chunked", "identity", "", "\tchunked", "gzip, chunked"]) {
      assertError(head(`Transfer-Encoding: ${coding}`), HTTP_ERROR.body);
    }
    assertError(head("Content-Length: 0", "TRANSFER-ENCODING: chunked"), HTTP_ERROR.body);
  });
});

describe("keepAlive", () => {
  const keepAlive = (version: string, ...headers: string[]) =>
    complete([`GET / HTTP/${version}`, ...headers, "", ""].join("\r\n")).keepAlive;

  it("is usual in HTTP/1.1, unless the client says close", () => {
    assert.ok(keepAlive("1.1"));
    assert.ok(keepAlive("1.1", "Connection: keep-alive"));
    assert.ok(keepAlive("1.1", "Connection: closed, x-close"));
    for (const value of ["close", "CLOSE", " close ", "te, close", "close,te", "keep-alive,\tclose ,"]) {
      assert.ok(!keepAlive("1.1", `Connection: ${value}`), value);
    }
    assert.ok(!keepAlive("1.1", "Connection: close", "Connection: keep-alive"));
    assert.ok(!keepAlive("1.1", "Connection: keep-alive", "Connection: close"));
  });

  it("is unusual in HTTP/1.0, unless the client asks for it", () => {
    assert.ok(!keepAlive("1.0"));
    assert.ok(keepAlive("1.0", "Connection: Keep-Alive"));
    assert.ok(!keepAlive("1.0", "Connection: keep-alive, close"));
    assert.ok(!keepAlive("1.0", "Keep-Alive: 300"));
  });
});

describe("limits", () => {
  const line = (length: number) => `GET /${"x".repeat(length - "GET / HTTP/1.1\r\n".length)} HTTP/1.1\r\n`;
  const headers = (length: number) => `A: ${"x".repeat(length - "A: \r\n\r\n".length)}\r\n\r\n`;

  it("of the request line is 16 KiB", () => {
    complete(`${line(REQUEST_LINE_LIMIT)}\r\n`);
    assertError(`${line(REQUEST_LINE_LIMIT + 1)}\r\n`, HTTP_ERROR.requestLineTooLong);
    assertError(`\r\n${line(REQUEST_LINE_LIMIT - 1)}\r\n`, HTTP_ERROR.requestLineTooLong);
    assert.equal(parse("x".repeat(REQUEST_LINE_LIMIT - 1)), INCOMPLETE);
    assert.equal(parse("x".repeat(REQUEST_LINE_LIMIT)), HTTP_ERROR.requestLineTooLong);
  });

  it("of the headers is 16 KiB", () => {
    complete(`${line(20)}${headers(HEADERS_LIMIT)}`);
    complete(`${line(REQUEST_LINE_LIMIT)}${headers(HEADERS_LIMIT)}`);
    assertError(`${line(20)}${headers(HEADERS_LIMIT + 1)}`, HTTP_ERROR.headersTooLarge);
    assert.equal(parse(`${line(20)}${"x".repeat(HEADERS_LIMIT - 1)}`), INCOMPLETE);
    assert.equal(parse(`${line(20)}${"x".repeat(HEADERS_LIMIT)}`), HTTP_ERROR.headersTooLarge);
  });

  it("together fit what an engine holds", () => {
    assert.ok(REQUEST_LINE_LIMIT + HEADERS_LIMIT <= INPUT_BYTES);
  });

  it("of header lines", () => {
    complete(head(...new Array(HEADER_LINES_LIMIT).fill("A: b")));
    assertError(head(...new Array(HEADER_LINES_LIMIT + 1).fill("A: b")), HTTP_ERROR.headersTooLarge);
  });

  it("of lines that say whom a request was forwarded for", () => {
    const most = new Array(FORWARDED_LINES_LIMIT).fill("1");
    const text = head(...most.flatMap((v) => [`Forwarded: ${v}`, `X-Forwarded-For: ${v}`]));
    complete(text);
    assert.deepEqual(values(text, request.xForwardedFor), most);
    assertError(head(...most.map((v) => `Forwarded: ${v}`), "forwarded: 9"), HTTP_ERROR.tooManyHops);
    assertError(
      head(...most.map((v) => `X-Forwarded-For: ${v}`), "x-forwarded-for: 9"),
      HTTP_ERROR.tooManyHops,
    );
  });
});
