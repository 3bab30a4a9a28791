/** Conformance: connection limits. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { MAPPED_PREFIX } from "./loopback.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import type { TestClient } from "./test-client.ts";

/** Longer than any test may take: a test that waits for it has failed. */
const LONG_MS = 600_000;

/** Connections of one address, and the limit. */
const MANY = 1000;
const LIMIT = 100;
const HONEST = 10;

/** Registers the tests. */
export function describeConnectionLimits(makeEngine: MakeEngine): void {
  describe("connection limits", () => {
    test("the longest idle connection is displaced, over all listeners", (t) => longestIdle(t, makeEngine));
    test("a connection with a request in progress is displaced only when none is idle", (t) =>
      inProgress(t, makeEngine));

    test("an address with many connections is displaced before one with few", async (t) => {
      const rig = await Rig.start(t, makeEngine, { maxConnections: 4 });
      const few = await come(rig, "127.0.0.2");
      const many = [await come(rig, "127.0.0.3"), await come(rig, "127.0.0.3"), await come(rig, "127.0.0.3")];
      await come(rig, "127.0.0.4");
      assert.equal((await many[0].readToEnd()).bytes.length, 0);
      for (const client of [few, many[1], many[2]]) assert.equal(await client.ask("say here"), "here");
    });

    test("an address has a limit, and displaces its own connections", async (t) => {
      const rig = await Rig.start(t, makeEngine, { maxPerAddress: 2 });
      const first = await come(rig, "127.0.0.2");
      const second = await come(rig, "127.0.0.2");
      const other = await come(rig, "127.0.0.3");
      const third = await come(rig, "127.0.0.2");
      assert.equal((await first.readToEnd()).bytes.length, 0);
      assert.equal(rig.counters.displaced, 1);
      await wait(rig, second);
      await wait(rig, third);
      const refused = await rig.connect(rig.addresses[0], "127.0.0.2");
      refused.send("say too many\n");
      assert.equal((await refused.readToEnd()).bytes.length, 0);
      assert.equal(rig.counters.overShare, 1);
      assert.equal(rig.counters.refused, 0);
      await come(rig, "127.0.0.3");
      assert.equal(await other.ask("say here"), "here");
    });

    test("a proxy has no limit, and is displaced last", async (t) => {
      const rig = await Rig.start(t, makeEngine, { maxConnections: 4, maxPerAddress: 1 });
      rig.service.proxies.add(`${MAPPED_PREFIX}7f000005`);
      const ofProxy = [
        await come(rig, "127.0.0.5"),
        await come(rig, "127.0.0.5"),
        await come(rig, "127.0.0.5"),
      ];
      const other = await come(rig, "127.0.0.2");
      await come(rig, "127.0.0.3");
      assert.equal((await other.readToEnd()).bytes.length, 0);
      for (const client of ofProxy) assert.equal(await client.ask("say here"), "here");
      assert.equal(rig.counters.overShare, 0);
    });

    test("one address cannot lock out others", (t) => oneAddress(t, makeEngine));
  });
}

/** Connects a client that has a reply, and is idle. */
async function come(rig: Rig, from: string, address = rig.addresses[0]): Promise<TestClient> {
  const client = await rig.connect(address, from);
  assert.equal(await client.ask("say hello"), "hello");
  return client;
}

/** Sends a request that is deferred. */
async function wait(rig: Rig, client: TestClient): Promise<void> {
  const { tokens } = rig.service;
  const before = tokens.size;
  client.send(`wait ${LONG_MS} at last\n`);
  await rig.service.until(() => tokens.size > before);
}

async function longestIdle(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const addresses = ["127.0.0.1", "127.0.0.2"].map((host) => ({ host, port: 0 }));
  const rig = await Rig.start(t, makeEngine, { maxConnections: 3, addresses });
  const [one, two] = rig.addresses;
  const clients = [
    await come(rig, "127.0.0.1", one),
    await come(rig, "127.0.0.1", two),
    await come(rig, "127.0.0.1", one),
  ];
  assert.equal(await clients[0].ask("say again"), "again");
  for (const [address, gone] of [
    [one, clients[1]],
    [two, clients[2]],
    [one, clients[0]],
  ] as const) {
    await come(rig, "127.0.0.1", address);
    assert.equal((await gone.readToEnd()).bytes.length, 0);
  }
  assert.equal(rig.counters.displaced, 3);
  assert.equal(rig.counters.refused, 0);
  assert.equal(rig.counters.timedOut, 0);
}

async function inProgress(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { maxConnections: 3 });
  const waiting = await come(rig, "127.0.0.2");
  const half = await come(rig, "127.0.0.2");
  const idle = await come(rig, "127.0.0.3");
  await wait(rig, waiting);
  const { calls } = rig.service;
  half.send("say ha");
  await rig.service.until(() => rig.service.calls > calls);

  const next = await come(rig, "127.0.0.4");
  assert.equal((await idle.readToEnd()).bytes.length, 0);
  await wait(rig, next);
  const last = await come(rig, "127.0.0.5");
  assert.equal((await half.readToEnd()).bytes.length, 0, "none is idle any more");
  await wait(rig, last);
  const refused = await rig.connect(rig.addresses[0], "127.0.0.6");
  refused.send("say too many\n");
  assert.equal((await refused.readToEnd()).bytes.length, 0);
  assert.equal(rig.counters.refused, 1);
  assert.equal(rig.counters.displaced, 2);
  for (const token of rig.service.tokens) rig.engine.resume(token);
  for (const client of [waiting, next, last]) assert.equal(await client.readLine(), "at last");
}

/** Endless idle connections from one address; others can connect and are all served. */
async function oneAddress(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { maxConnections: LIMIT });
  const kept: TestClient[] = [];
  for (let i = 0; i < HONEST; i++) kept.push(await come(rig, `127.0.2.${i + 1}`));
  for (let i = 0; i < MANY; i++) {
    const client = await rig.connect(rig.addresses[0], "127.0.0.9");
    client.send("quiet\n");
    if (i % HONEST === 0) await come(rig, `127.0.3.${1 + i / HONEST}`);
    assert.equal(await kept[i % HONEST].ask(`say ${i}`), `${i}`);
  }
  await rig.counters.until(() => rig.counters.accepted === MANY + HONEST + MANY / HONEST);
  assert.equal(rig.counters.refused + rig.counters.overShare, 0);
  assert.ok(rig.counters.accepted - rig.counters.closed <= LIMIT);
}
