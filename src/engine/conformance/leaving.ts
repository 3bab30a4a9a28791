/** Conformance: received requests are served after the client has disconnected. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { REPLY_BYTES } from "../engine.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import type { TestClient } from "./test-client.ts";

const SHORT_MS = 200;
/** Longer than any test may take: a test that waits for it has failed. */
const LONG_MS = 600_000;

/**
 * Like a client that stops all its torrents at shutdown. It fits a connection's initial window, so all of it arrives.
 */
const SMALL = `say ${"x".repeat(150)}\n`;
const SMALL_COUNT = 300;

/** The kernel takes only a few of these replies. */
const LARGE = `bytes ${REPLY_BYTES} 1\n`;
const LARGE_COUNT = 100;

/** Ways to disconnect. */
const WAYS: Readonly<Record<string, (client: TestClient) => void>> = {
  "a client that closes": (client) => client.close(),
  "a client that resets": (client) => client.reset(),
  "a client that half-closes and does not read": (client) => client.sendLast(""),
};

/** Registers the tests. */
export function describeLeaving(makeEngine: MakeEngine): void {
  describe("leaving", () => {
    for (const [name, leave] of Object.entries(WAYS)) {
      test(`${name} has all requests served`, (t) => small(t, makeEngine, leave));
      test(`${name} has them served behind unsent replies`, (t) => large(t, makeEngine, leave));
      test(`${name} has them served behind a deferred one`, (t) => waiting(t, makeEngine, leave));
    }

    test("a client that does not read until the timeout has its requests served", (t) =>
      large(t, makeEngine, () => undefined));

    test("a client that keeps sending without reading is closed", async (t) => {
      const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
      const client = await rig.connect();
      const sending = setInterval(() => client.send(LARGE.repeat(LARGE_COUNT)), 1);
      t.after(() => clearInterval(sending));
      await rig.counters.until(() => rig.counters.closed === 1);
      assert.equal(rig.counters.timedOut, 1);
      await rig.assertServes();
    });
  });
}

/** Repeated, as it depends on how much the engine has received when the client disconnects. */
async function small(t: TestContext, makeEngine: MakeEngine, leave: (client: TestClient) => void) {
  const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
  for (let i = 1; i <= 20; i++) {
    const client = await rig.connect();
    assert.equal(await client.ask("say hello"), "hello");
    const { requests } = rig.service;
    client.send(SMALL.repeat(SMALL_COUNT));
    if (i % 2 === 0) await rig.service.until(() => rig.service.requests > requests);
    leave(client);
    await rig.counters.until(() => rig.counters.closed === i);
    assert.equal(rig.service.requests, requests + SMALL_COUNT);
  }
}

async function large(t: TestContext, makeEngine: MakeEngine, leave: (client: TestClient) => void) {
  const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
  const client = await rig.connect();
  client.send(LARGE.repeat(LARGE_COUNT));
  await rig.service.until(() => rig.service.requests > 0);
  leave(client);
  await rig.counters.until(() => rig.counters.closed === 1);
  assert.equal(rig.service.requests, LARGE_COUNT);
  await rig.assertServes();
}

async function waiting(t: TestContext, makeEngine: MakeEngine, leave: (client: TestClient) => void) {
  const rig = await Rig.start(t, makeEngine, { requestTimeoutMs: SHORT_MS });
  const client = await rig.connect();
  client.send(`wait ${LONG_MS} at last\n${SMALL.repeat(SMALL_COUNT)}`);
  await rig.service.until(() => rig.service.tokens.size === 1);
  await rig.quiet();
  leave(client);
  await rig.quiet();
  for (const token of rig.service.tokens) rig.engine.resume(token);
  await rig.counters.until(() => rig.counters.closed === 1);
  assert.equal(rig.service.requests - rig.settlingRequests, 1 + SMALL_COUNT);
}
