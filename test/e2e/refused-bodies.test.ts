/** Clients whose requests are refused do not disturb the connections of others, on any worker. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { probeUring } from "../../src/engine/uring/probe.ts";
import { Bed } from "../support/bed.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `workers: 2\nlisten: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`;

/** More than the kernel accepts at once: a part is sent after the request has been refused. */
const BODY_BYTES = 200 * 1024;
const POST = Buffer.concat([
  Buffer.from(`POST /announce HTTP/1.1\r\nHost: x\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`),
  Buffer.alloc(BODY_BYTES, "x"),
]);
const SENDERS = 48;

const PIPELINED = 10;
const ANNOUNCES = Array.from(
  { length: PIPELINED },
  (_, i) =>
    `GET /announce?info_hash=bbbbbbbbbbbbbbbbbbbb&port=${i + 1}&left=1 HTTP/1.1\r\nHost: x\r\n${i + 1 === PIPELINED ? "Connection: close\r\n" : ""}\r\n`,
).join("");
const HONEST_CLIENTS = 16;

/** One in a few thousand ended without a reply when descriptors were closed too early. */
const CONNECTIONS = 12_000;

const uringMissing = await probeUring();
for (const engine of ["uring", "node"]) {
  test(
    `${engine}: clients that send long bodies end nobody else's connection`,
    {
      skip: engine === "uring" ? (uringMissing ?? false) : false,
      timeout: 300_000,
    },
    (t) => sendBodies(t, engine),
  );
}

async function sendBodies(t: TestContext, engine: string): Promise<void> {
  const tracker = await TrackerProcess.start(await Bed.open(t), `${CONFIG}engine: ${engine}\n`);
  const port = Number(new URL(tracker.url).port);
  let begun = 0;
  let over = false;
  let bodies = 0;
  const sender = async () => {
    for (; !over; bodies++) await sendBody(port).catch(() => undefined);
  };
  const faults: string[] = [];
  const honest = async () => {
    while (begun++ < CONNECTIONS && faults.length === 0) {
      const replies = await exchange(port, ANNOUNCES).catch((error: Error) => error.message);
      const answered = replies.split("HTTP/1.1 200 OK").length - 1;
      if (answered !== PIPELINED) faults.push(`${answered} answers: ${replies.slice(0, 100)}`);
    }
  };
  const sending = Promise.all(Array.from({ length: SENDERS }, sender));
  await Promise.all(Array.from({ length: HONEST_CLIENTS }, honest));
  over = true;
  await sending;
  t.diagnostic(`${begun} connections of honest clients, ${bodies} bodies`);
  assert.deepEqual(faults, []);
  assert.ok(bodies > SENDERS, "bodies were sent");
  assert.equal(await tracker.stop(), 0);
}

/** Sends a body, and closes the connection when the refusal arrives. */
async function sendBody(port: number): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.once("data", () => socket.resetAndDestroy());
  socket.write(POST);
  await once(socket, "close");
}

/** Sends a request on its own connection. @returns everything received until the other end closed. */
async function exchange(port: number, request: string | Uint8Array): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let received = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    received += chunk;
  });
  socket.write(request);
  await once(socket, "end");
  socket.destroy();
  return received;
}
