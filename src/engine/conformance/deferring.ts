/** Conformance: deferred requests are served in order, and do not hold up other connections. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { INPUT_BYTES, REPLY_BYTES } from "../engine.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import type { TestClient } from "./test-client.ts";
import { pattern } from "./toy-service.ts";

/** Longer than any test may take: a test that waits for it has failed. */
const LONG_MS = 600_000;
const SHORT_MS = 120;
const TOLERANCE_MS = 5;
const LONG_GRACE_MS = 60_000;

/** Registers the tests. */
export function describeDeferring(makeEngine: MakeEngine): void {
  describe("deferring", () => {
    test("is served when resumed, and not before", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      const token = await wait(rig, client, "patiently");
      await rig.settle();
      rig.engine.resume(token);
      assert.equal(await client.readLine(), "patiently");
      assert.equal(await client.ask("count"), "1", "the connection continues");
    });

    test("is served with the reply that it was resumed with, and no other request is", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      const token = await wait(rig, client, "one: ");
      client.send(`count\nwait ${SHORT_MS} late\n`);
      await rig.settle();
      rig.engine.resume(token, "reply");
      assert.equal(await client.readLine(), "one: reply");
      assert.equal(await client.readLine(), "1");
      assert.equal(await client.readLine(), "late");
    });

    test("is served at the deadline", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      const started = performance.now();
      assert.equal(await client.ask(`wait ${SHORT_MS} late`), "late");
      assert.ok(performance.now() - started >= SHORT_MS - TOLERANCE_MS);
      assert.equal(rig.counters.timedOut, 0);
    });

    test("no other timeout ends a deferral", async (t) => {
      const rig = await Rig.start(t, makeEngine, { idleTimeoutMs: 40, requestTimeoutMs: 40 });
      const client = await rig.connect();
      assert.equal(await client.ask("wait 400 late"), "late");
      assert.deepEqual(await client.readToEnd(), { bytes: Buffer.alloc(0), error: undefined });
      assert.equal(rig.counters.timedOut, 1, "idle connections are closed again afterwards");
    });

    test("a token is valid for one deferral", (t) => staleTokens(t, makeEngine));
    test("requests pipelined behind it are served in order", (t) => pipelined(t, makeEngine));
    test("a bounded amount of input is read behind it", (t) => pipelinedWithoutEnd(t, makeEngine));
    test("behind unread replies", (t) => behindStuckReplies(t, makeEngine));

    test("a client that half-closes meanwhile gets its reply", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      const token = await wait(rig, client, "one");
      client.sendLast("say two\n");
      await rig.settle();
      rig.engine.resume(token);
      assert.deepEqual(await client.readToEnd(), { bytes: Buffer.from("one\ntwo\n"), error: undefined });
      await rig.counters.until(() => rig.counters.closed === 1);
    });

    test("a client that half-closes at once gets its reply", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      client.sendLast(`wait ${SHORT_MS} one\n`);
      assert.deepEqual(await client.readToEnd(), { bytes: Buffer.from("one\n"), error: undefined });
    });

    test("stopping serves deferred requests at once", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      await wait(rig, client, "one");
      client.send(`wait ${LONG_MS} two\n`);
      await rig.settle();
      const stopped = rig.engine.stop(LONG_GRACE_MS);
      assert.deepEqual(await client.readToEnd(), {
        bytes: Buffer.from("one\nat once two\n"),
        error: undefined,
      });
      await stopped;
    });

    test("stopping without grace ends deferrals too", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      await wait(rig, await rig.connect(), "one");
      await rig.engine.stop(0);
      assert.equal(rig.counters.closed, rig.counters.accepted);
    });

    test("beyond the limit a request is served at once", (t) => tooMany(t, makeEngine));
    test("a disconnect ends the deferral", (t) => goneWhileWaiting(t, makeEngine));
  });
}

/** Sends a request that is deferred. @returns its token. */
async function wait(rig: Rig, client: TestClient, text: string): Promise<number> {
  const { tokens } = rig.service;
  const before = tokens.size;
  client.send(`wait ${LONG_MS} ${text}\n`);
  await rig.service.until(() => tokens.size > before);
  return lastToken(rig);
}

function lastToken(rig: Rig): number {
  return [...rig.service.tokens].at(-1) ?? 0;
}

async function staleTokens(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  const first = await wait(rig, client, "first");
  rig.engine.resume(first);
  assert.equal(await client.readLine(), "first");
  const second = await wait(rig, client, "second");
  const { calls } = rig.service;
  for (const token of [first, 0, 1, -1, second + 1, second - 1, second * 2, 2 ** 53 - 1, Number.NaN])
    rig.engine.resume(token);
  assert.equal(rig.service.calls, calls);
  rig.engine.resume(second);
  rig.engine.resume(second);
  assert.equal(rig.service.calls, calls + 1);
  assert.equal(await client.readLine(), "second");
}

async function pipelined(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  client.send(`count\nwait ${LONG_MS} one\ncount\n`);
  assert.equal(await client.readLine(), "1", "earlier requests are not held up");
  client.send(`bytes 5000 7\nwait ${LONG_MS} two\n`);
  await rig.settle();
  client.send("count\nsay par");
  await rig.settle();
  rig.engine.resume(lastToken(rig));
  assert.equal(await client.readLine(), "one");
  assert.equal(await client.readLine(), "2");
  assert.ok((await client.read(5000)).equals(pattern(5000, 7)));
  await rig.service.until(() => rig.service.tokens.size === 2);
  rig.engine.resume(lastToken(rig));
  assert.equal(await client.readLine(), "two");
  assert.equal(await client.readLine(), "3");
  client.send("tly\n");
  assert.equal(await client.readLine(), "partly");
}

/** Everything is served in the end, but not everything is buffered: the kernel stops the sender. */
async function pipelinedWithoutEnd(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  const token = await wait(rig, client, "first");
  const line = `say ${"x".repeat(1000)}\n`;
  const lines = 10_000;
  client.send(line.repeat(lines));
  await rig.settle();
  await rig.settle();
  const { calls } = rig.service;
  rig.engine.resume(token);
  const kept = (rig.service.calls - calls) * line.length;
  assert.ok(kept < INPUT_BYTES + 2 * REPLY_BYTES, `${kept} bytes were kept`);
  assert.equal(await client.readLine(), "first");
  const expected = Buffer.from(line.slice(4).repeat(lines));
  assert.ok((await client.read(expected.length)).equals(expected));
}

/** Unsent replies come first. Near the number of replies that the kernel takes, the last one before is stuck. */
async function behindStuckReplies(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const { tokens } = rig.service;
  const most = await rig.fill(await rig.connect());
  const expected = pattern(REPLY_BYTES, 1);
  for (let replies = most - 1; replies <= most + 2; replies++) {
    const client = await rig.connect();
    const before = tokens.size;
    await rig.fill(client, replies - 1);
    client.send(`bytes ${REPLY_BYTES} 1\nwait ${LONG_MS} at last\nsay end\n`);
    await rig.settle();
    for (let i = 0; i < replies; i++) assert.ok((await client.read(REPLY_BYTES)).equals(expected), `${i}`);
    await rig.service.until(() => tokens.size > before);
    await rig.settle();
    rig.engine.resume(lastToken(rig));
    assert.equal(await client.readLine(), "at last");
    assert.equal(await client.readLine(), "end");
  }
}

async function tooMany(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { maxDeferred: 2 });
  const first = await rig.connect();
  const token = await wait(rig, first, "first");
  await wait(rig, await rig.connect(), "second");
  const third = await rig.connect();
  assert.equal(await third.ask(`wait ${LONG_MS} third`), "at once third");
  rig.engine.resume(token);
  assert.equal(await first.readLine(), "first");
  await wait(rig, third, "now it may");
}

async function goneWhileWaiting(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { maxDeferred: 3 });
  for (let i = 1; i <= 50; i++) {
    const client = await rig.connect();
    const token = await wait(rig, client, "for nothing");
    client.reset();
    await rig.counters.until(() => rig.counters.closed === i);
    const { calls } = rig.service;
    rig.engine.resume(token);
    assert.equal(rig.service.calls, calls, "the token is no longer valid");
  }
  await rig.assertServes();
}
