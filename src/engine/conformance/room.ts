/** Conformance: when there are too many connections, who is closed, and who is let in. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { MAPPED_PREFIX } from "./loopback.ts";
import { type MakeEngine, Rig } from "./rig.ts";
import type { TestClient } from "./test-client.ts";

/** Longer than any test may take: who needs it has failed. */
const LONG_MS = 600_000;

/** Connections of the crowd, and how many there may be. */
const CROWD = 1000;
const ROOM = 100;
const HONEST = 10;

/** Registers the tests. */
export function describeRoom(makeEngine: MakeEngine): void {
  describe("room", () => {
    test("the longest idle makes room, over all listeners", (t) => longestIdle(t, makeEngine));
    test("who is under way makes no room while another is idle", (t) => underWay(t, makeEngine));

    test("an address that has many makes room before one that has few", async (t) => {
      const rig = await Rig.start(t, makeEngine, { maxConnections: 4 });
      const few = await come(rig, "127.0.0.2");
      const many = [await come(rig, "127.0.0.3"), await come(rig, "127.0.0.3"), await come(rig, "127.0.0.3")];
      await come(rig, "127.0.0.4");
      assert.equal((await many[0].readToEnd()).bytes.length, 0);
      for (const client of [few, many[1], many[2]]) assert.equal(await client.ask("say here"), "here");
    });

    test("an address has its share, and makes room for its own", async (t) => {
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

    test("a proxy has no share, and makes room last", async (t) => {
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

    test("a crowd from one address locks nobody out", (t) => crowd(t, makeEngine));
  });
}

/** A client that has been answered, and is idle. */
async function come(rig: Rig, from: string, address = rig.addresses[0]): Promise<TestClient> {
  const client = await rig.connect(address, from);
  assert.equal(await client.ask("say hello"), "hello");
  return client;
}

/** Has a client wait for the service. */
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

async function underWay(t: TestContext, makeEngine: MakeEngine): Promise<void> {
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
  assert.equal((await half.readToEnd()).bytes.length, 0, "now that nobody is idle");
  await wait(rig, last);
  const refused = await rig.connect(rig.addresses[0], "127.0.0.6");
  refused.send("say too many\n");
  assert.equal((await refused.readToEnd()).bytes.length, 0);
  assert.equal(rig.counters.refused, 1);
  assert.equal(rig.counters.displaced, 2);
  for (const token of rig.service.tokens) rig.engine.resume(token);
  for (const client of [waiting, next, last]) assert.equal(await client.readLine(), "at last");
}

/** Idle connections without end from one address; others come, go on, and are answered, all of them. */
async function crowd(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { maxConnections: ROOM });
  const kept: TestClient[] = [];
  for (let i = 0; i < HONEST; i++) kept.push(await come(rig, `127.0.2.${i + 1}`));
  for (let i = 0; i < CROWD; i++) {
    const client = await rig.connect(rig.addresses[0], "127.0.0.9");
    client.send("quiet\n");
    if (i % HONEST === 0) await come(rig, `127.0.3.${1 + i / HONEST}`);
    assert.equal(await kept[i % HONEST].ask(`say ${i}`), `${i}`);
  }
  await rig.counters.until(() => rig.counters.accepted === CROWD + HONEST + CROWD / HONEST);
  assert.equal(rig.counters.refused + rig.counters.overShare, 0);
  assert.ok(rig.counters.accepted - rig.counters.closed <= ROOM);
}
