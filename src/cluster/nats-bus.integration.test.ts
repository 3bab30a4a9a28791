/** The connection to a real nats-server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bed, until } from "../../test/support/bed.ts";
import { NATS_TOOLS, startNats } from "../../test/support/nats.ts";
import { toolsMissing } from "../../test/support/tools.ts";
import { NatsBus, WINDOW_BYTES } from "./nats-bus.ts";

const MEGABYTE = 1_000_000;

test("a server that acknowledges nothing gets no more than the window, and then all again", {
  skip: toolsMissing(NATS_TOOLS),
  timeout: 120_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [server] = await startNats(bed);
  const settings = {
    name: "test",
    node: "a",
    site: "main",
    servers: [server.url],
    ca: null,
    credentials: null,
    secret: new Uint8Array(32),
    sharePrivate: false,
  };
  const bus = new NatsBus(settings, { receive: () => {}, receiveStatus: () => {} });
  t.after(() => bus.close());
  await bus.open();
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
});
