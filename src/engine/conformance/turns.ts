/** Conformance: clients that send many requests at once, or do not read, take little from others. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { REPLY_BYTES, SEND_BUFFER_BYTES } from "../engine.ts";
import { type MakeEngine, Rig } from "./rig.ts";

/** Pipelined requests: 1.8 MB. */
const MANY = 300_000;
/** Questions of another client meanwhile. */
const QUESTIONS = 20;
/** Pipelined requests that may be served between a question and its answer: a few milliseconds. */
const MOST_BETWEEN = 8000;

/** Requests that are received in one piece. */
const TOGETHER = 3000;

const READ_NOTHING = 20;
/** Limit for one connection: the kernel's double of {@link SEND_BUFFER_BYTES}, and a last reply. */
const MOST_KEPT = 4 * SEND_BUFFER_BYTES + REPLY_BYTES;

/** Registers the tests. */
export function describeTurns(makeEngine: MakeEngine): void {
  describe("turns", () => {
    test("endless requests do not hold up others", (t) => pipelined(t, makeEngine));
    test("all received requests are served after a disconnect", (t) => disconnected(t, makeEngine));
    test(
      "unread replies take little of the kernel's memory",
      {
        skip: process.platform === "linux" ? false : "the kernel's queues are read from /proc",
      },
      (t) => unread(t, makeEngine),
    );
  });
}

async function pipelined(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const greedy = await rig.connect();
  const other = await rig.connect();
  await other.ask("say hello");
  const before = rig.service.calls;
  greedy.send("say x\n".repeat(MANY));
  const read = greedy.read(MANY * "x\n".length);
  await rig.service.until(() => rig.service.calls > before + MOST_BETWEEN);
  for (let i = 0; i < QUESTIONS; i++) {
    const { calls } = rig.service;
    other.send("say other\n");
    assert.equal(await other.readLine(), "other");
    const between = rig.service.calls - calls;
    assert.ok(between < MOST_BETWEEN, `${between} requests were served before the answer`);
  }
  assert.ok(rig.service.calls < before + MANY, "requests are still being served");
  assert.equal((await read).toString(), "x\n".repeat(MANY));
  assert.equal(await greedy.ask("say done"), "done");
}

async function disconnected(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  for (let i = 1; i <= 20; i++) {
    const client = await rig.connect();
    assert.equal(await client.ask("say hello"), "hello");
    const { requests } = rig.service;
    client.send("say x\n".repeat(TOGETHER));
    await rig.service.until(() => rig.service.requests > requests);
    client.reset();
    await rig.counters.until(() => rig.counters.closed === i);
    assert.equal(rig.service.requests, requests + TOGETHER);
  }
}

async function unread(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  for (let i = 0; i < READ_NOTHING; i++) {
    const client = await rig.connect();
    client.send(`bytes ${REPLY_BYTES} 1\n`.repeat(100));
  }
  await rig.quiet();
  const kept = sendQueues(rig.addresses[0].port);
  assert.ok(kept.length >= READ_NOTHING);
  assert.ok(Math.max(...kept) > 0, "the clients do not read");
  assert.ok(Math.max(...kept) <= MOST_KEPT, `up to ${Math.max(...kept)} bytes are kept of one connection`);
}

/** Unacknowledged bytes of each connection of an IPv4 port (proc_pid_net(5)). */
function sendQueues(port: number): number[] {
  const local = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "latin1").split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([, from, , state]) => from?.endsWith(`:${local}`) && state === "01")
    .map(([, , , , queues]) => Number.parseInt(queues.split(":")[0], 16));
}
