/** Conformance: inherited sockets, which stay open across several engines. */
import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { ownDescriptors } from "../choice.ts";
import type { ListenAddress } from "../engine.ts";
import { probeUring } from "../uring/probe.ts";
import { type MakeEngine, Rig } from "./rig.ts";

/** Opening a socket without accepting from it requires the same library as io_uring. */
const skip = (await probeUring()) ?? false;
const LONG_GRACE_MS = 60_000;
const CLIENTS = 30;

/** Registers the tests. */
export function describeInheritedSockets(makeEngine: MakeEngine): void {
  describe("inherited sockets", { skip }, () => {
    test("are served", (t) => areServed(t, makeEngine));
    test("can be shared", (t) => canBeShared(t, makeEngine));
    test("pass unaccepted connections on to the next engine", (t) => passOn(t, makeEngine));
  });
}

/** Opens sockets like a service manager: bound, and nothing accepts from them. They are closed after the test. */
async function openHeld(t: TestContext): Promise<{ stream: ListenAddress; datagram: ListenAddress }> {
  const { SocketCalls } = await import("../uring/socket-calls.ts");
  const calls = new SocketCalls();
  const open = (type: "stream" | "datagram"): ListenAddress => {
    const { fd, address } = calls.open(
      { host: "127.0.0.1", port: 0 },
      { type, ipv6Only: false, shared: false },
    );
    t.after(() => closeSync(fd));
    const described = calls.describe(fd);
    assert.deepEqual([described?.type, described?.port], [type, address.port]);
    return { ...address, fd };
  };
  const held = { stream: open("stream"), datagram: open("datagram") };
  calls.close();
  return held;
}

/** Starts an engine with its own descriptors. */
async function serve(t: TestContext, makeEngine: MakeEngine, held: Awaited<ReturnType<typeof openHeld>>) {
  const { streams, datagrams } = await ownDescriptors({ streams: [held.stream], datagrams: [held.datagram] });
  return await Rig.start(t, makeEngine, { addresses: streams, datagrams, shared: true });
}

async function areServed(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const held = await openHeld(t);
  const rig = await serve(t, makeEngine, held);
  assert.deepEqual([rig.addresses[0].port, rig.datagrams[0].port], [held.stream.port, held.datagram.port]);
  for (let i = 0; i < CLIENTS; i++) await rig.assertServes();
  const client = await rig.openDatagrams();
  assert.equal(await client.ask("say hello"), "hello");
}

async function canBeShared(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const held = await openHeld(t);
  const rigs = [await serve(t, makeEngine, held), await serve(t, makeEngine, held)];
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => rigs[0].connect()));
  for (const client of clients) assert.equal(await client.ask("say hello"), "hello");
  assert.equal(rigs[0].counters.accepted + rigs[1].counters.accepted, CLIENTS);
  const client = await rigs[0].openDatagrams();
  for (let i = 0; i < CLIENTS; i++) assert.equal(await client.ask("say hello"), "hello");
}

async function passOn(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const held = await openHeld(t);
  const first = await serve(t, makeEngine, held);
  await first.assertServes();
  await first.engine.stop(LONG_GRACE_MS);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => first.connect()));
  const datagrams = await first.openDatagrams();
  for (const client of clients) client.send("say later\n");
  const answered = datagrams.ask("say later");
  const second = await serve(t, makeEngine, held);
  for (const client of clients) assert.equal(await client.readLine(), "later");
  assert.equal(await answered, "later");
  assert.equal(second.counters.accepted, CLIENTS);
}
