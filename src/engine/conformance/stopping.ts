/** Conformance: a stop serves requests in progress, and ends in time. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { REPLY_BYTES } from "../engine.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import { TestClient } from "./test-client.ts";
import { pattern } from "./toy-service.ts";

/** Longer than any test may take: a test that waits for it has failed. */
const LONG_GRACE_MS = 60_000;

/** Registers the tests. */
export function describeStopping(makeEngine: MakeEngine): void {
  describe("stopping", () => {
    test("answers requests that have arrived", (t) => answersWhatArrived(t, makeEngine));
    test("serves requests in progress", (t) => letsRequestsEnd(t, makeEngine));
    test("sends replies in progress", (t) => sendsReplies(t, makeEngine));

    test("closes idle connections at once, and those without a first request soon", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const silent = await rig.connect();
      const served = await rig.connect();
      await served.ask("say hello");
      await rig.counters.until(() => rig.counters.accepted === 2);
      await rig.engine.stop(LONG_GRACE_MS);
      assert.equal(rig.counters.closed, 2);
      for (const client of [silent, served]) assert.equal((await client.readToEnd()).bytes.length, 0);
    });

    test("answers the first request of a new connection", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const served = await rig.connect();
      await served.ask("say hello");
      const client = await rig.connect();
      await rig.counters.until(() => rig.counters.accepted === 2);
      const stopped = rig.engine.stop(LONG_GRACE_MS);
      await served.readToEnd();
      assert.equal(await client.ask("say late"), "late");
      assert.equal((await client.readToEnd()).error, undefined);
      await stopped;
    });

    test("ends when the grace period ends", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      const client = await rig.connect();
      client.send("say hal");
      await rig.service.until(() => rig.service.calls === 1);
      const stuck = await rig.connect();
      stuck.send(`bytes ${REPLY_BYTES} 1\n`.repeat(1000));
      await rig.service.until(() => rig.service.calls > 1);
      const started = performance.now();
      await rig.engine.stop(150);
      assert.ok(performance.now() - started >= 145);
      assert.equal(rig.counters.closed, 2);
      assert.equal((await client.readToEnd()).bytes.length, 0);
    });

    test("refuses later connections", async (t) => {
      const rig = await Rig.start(t, makeEngine);
      await rig.engine.stop(LONG_GRACE_MS);
      await assert.rejects(TestClient.connect(rig.addresses[0]), { code: "ECONNREFUSED" });
      await assert.rejects(
        rig.engine.listen({ streams: [{ host: "127.0.0.1", port: 0 }], datagrams: [] }, false),
      );
    });

    test("can be requested twice, and before listening", async (t) => {
      const rig = await Rig.start(t, makeEngine, { addresses: [] });
      await Promise.all([rig.engine.stop(LONG_GRACE_MS), rig.engine.stop(LONG_GRACE_MS)]);
      await rig.engine.stop(0);
    });
  });
}

async function answersWhatArrived(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const clients = await Promise.all(Array.from({ length: 50 }, () => rig.connect()));
  await rig.counters.until(() => rig.counters.accepted === clients.length);
  for (const [i, client] of clients.entries()) client.send(`say ${i}\n`);
  const stopped = rig.engine.stop(LONG_GRACE_MS);
  for (const [i, client] of clients.entries()) {
    assert.deepEqual(await client.readToEnd(), { bytes: Buffer.from(`${i}\n`), error: undefined });
  }
  await stopped;
}

async function letsRequestsEnd(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const client = await rig.connect();
  const idle = await rig.connect();
  client.send("say one\nsay t");
  assert.equal(await client.readLine(), "one");
  await rig.service.until(() => rig.service.seen === "say one\nsay t".length);
  await rig.counters.until(() => rig.counters.accepted === 2);
  const stopped = rig.engine.stop(LONG_GRACE_MS);
  await idle.readToEnd();
  client.send("wo\n");
  assert.deepEqual(await client.readToEnd(), { bytes: Buffer.from("two\n"), error: undefined });
  await stopped;
}

async function sendsReplies(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  const allServed = await rig.connect();
  const replies = await rig.fill(allServed);
  const behind = await rig.connect();
  behind.send(`bytes ${REPLY_BYTES} 9\n`.repeat(2 * replies));
  const calls = rig.service.calls;
  await rig.service.until(() => rig.service.calls > calls);
  const stopped = rig.engine.stop(LONG_GRACE_MS);

  const first = await allServed.readToEnd();
  assert.equal(first.error, undefined);
  assert.ok(first.bytes.length >= replies * REPLY_BYTES, "earlier replies were sent");
  const second = await behind.readToEnd();
  assert.equal(second.error, undefined);
  const expected = pattern(REPLY_BYTES, 9);
  assert.ok(second.bytes.equals(Buffer.concat(Array.from({ length: 2 * replies }, () => expected))));
  await stopped;
}
