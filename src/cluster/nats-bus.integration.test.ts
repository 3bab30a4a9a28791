/** The connection to a real nats-server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Bed, until } from "../../test/support/bed.ts";
import { NATS_TOOLS, type NatsServer, startNats } from "../../test/support/nats.ts";
import { toolsMissing } from "../../test/support/tools.ts";
import { NatsBus, WINDOW_BYTES } from "./nats-bus.ts";
import type { ClusterSettings } from "./settings.ts";

const MEGABYTE = 1_000_000;

function settingsOf(node: string, server: NatsServer): ClusterSettings {
  return {
    name: "test",
    node,
    site: "main",
    servers: [server.url],
    ca: null,
    credentials: null,
    secret: new Uint8Array(32),
    sharePrivate: false,
  };
}

const OPTIONS = { skip: toolsMissing(NATS_TOOLS), timeout: 120_000 };

/** A connection that is open. */
async function connect(node: string, server: NatsServer, receive = () => {}): Promise<NatsBus> {
  const bus = new NatsBus(settingsOf(node, server), { receive, receiveStatus: () => {} });
  await bus.open();
  return bus;
}

test(
  "a server that acknowledges nothing gets no more than the window, and then all again",
  OPTIONS,
  async (t) => {
    const bed = await Bed.open(t);
    const [server] = await startNats(bed);
    const bus = await connect("a", server);
    t.after(() => bus.close());
    server.pause();
    let sent = 0;
    while (sent <= WINDOW_BYTES && bus.publish("btrt1.test.a.records", new Uint8Array(MEGABYTE)) === "sent")
      sent += MEGABYTE;
    assert.equal(sent, Math.floor(WINDOW_BYTES / MEGABYTE) * MEGABYTE);
    assert.equal(bus.publish("btrt1.test.a.records", new Uint8Array(MEGABYTE)), "slow");
    server.resume();
    await until(
      "it is sent again",
      () => bus.publish("btrt1.test.a.records", new Uint8Array(MEGABYTE)) === "sent",
    );
  },
);

test("what is published just before the end arrives", OPTIONS, async (t) => {
  const bed = await Bed.open(t);
  const [server] = await startNats(bed);
  let received = 0;
  const other = await connect("b", server, () => received++);
  t.after(() => other.close());
  const bus = await connect("a", server);
  server.pause();
  // More than the socket's buffers: a part of it is still in the process.
  for (let i = 0; i < 7; i++) bus.publish("btrt1.test.a.records", new Uint8Array(MEGABYTE));
  const closing = bus.close();
  await Promise.race([closing, delay(50)]);
  server.resume();
  await closing;
  await until("all of it has arrived", () => received === 7, 10_000);
});

test("a server that does not answer does not hold up the end", OPTIONS, async (t) => {
  const bed = await Bed.open(t);
  const [server] = await startNats(bed);
  const bus = await connect("a", server);
  server.pause();
  bus.publish("btrt1.test.a.records", new Uint8Array(MEGABYTE));
  await bus.close();
  assert.equal(bus.publish("btrt1.test.a.records", new Uint8Array(1)), "disconnected");
  server.resume();
});
