/** Hostile bytes in place of another tracker's HTTP reply: each announce ends, and with one of its outcomes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { TrackerClient } from "../../src/client/tracker-client.ts";
import { GOOD_REPLY } from "../support/hostile-tracker.ts";

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");

const piece = fc.oneof(
  fc.constantFrom(
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.0 204 -\r\n",
    "HTTP/1.1 302 x\r\n",
  ),
  fc.constantFrom(
    "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "HTTP/2 200\r\n",
    "ICY 200 OK\r\n",
  ),
  fc.constantFrom(
    "Content-Length: 5\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 99999999999999999999\r\n",
  ),
  fc.constantFrom(
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Connection: close\r\n",
  ),
  fc.constantFrom("Content-Encoding: gzip\r\n", "Content-Encoding: deflate\r\n", "Content-Encoding: br\r\n"),
  fc.constantFrom(
    "Location: /\r\n",
    "Location: http://[::1\r\n",
    "Location: \xff\r\n",
    "Location:\r\n",
    "Location: //\r\n",
  ),
  fc.constantFrom(
    "\r\n",
    "\n",
    "\r",
    ":",
    " ",
    "\0",
    "5\r\nd1:ae\r\n",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    ";=\r\n",
  ),
  fc.constantFrom(GOOD_REPLY, gzipSync(GOOD_REPLY), deflateSync(GOOD_REPLY)).map(latin1),
  fc.string({ unit: "binary-ascii", maxLength: 30 }),
);

describe("replies that are hardly HTTP", () => {
  let server: Server;
  let client: TrackerClient;
  let reply = Buffer.alloc(0);
  let url = "";

  before(async () => {
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(reply));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address !== "string");
    url = `http://127.0.0.1:${address.port}/announce`;
    client = new TrackerClient({
      guard: () => true,
      refuseLowPorts: true,
      timeoutMs: 60_000,
      maxInFlight: 1,
      maxPerHost: 1,
    });
  });

  after(async () => {
    await client.close();
    server.close();
  });

  it("end the announce, and nothing else", { timeout: 120_000 }, async () => {
    const begin = fc.constantFrom("", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\n\r\n");
    await fc.assert(
      fc.asyncProperty(begin, fc.array(piece, { maxLength: 12 }), async (head, pieces) => {
        reply = Buffer.from(head + pieces.join(""), "latin1");
        const outcome = await client.announce({ url });
        assert.equal(client.inFlight, 0);
        assert.ok(
          outcome.answered || !["busy", "closed", "timeout", "url"].includes(outcome.kind),
          JSON.stringify(outcome),
        );
      }),
      { numRuns: 500 },
    );
  });
});
