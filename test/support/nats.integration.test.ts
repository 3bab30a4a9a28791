import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { Bed, until } from "./bed.ts";
import { NATS_TOOLS, type NatsServer, startNats } from "./nats.ts";
import { toolsMissing } from "./tools.ts";

const skip = toolsMissing(NATS_TOOLS);

/** Connects to a server, and collects what it hears. */
async function listenAt(server: NatsServer) {
  const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const heard: string[] = [];
  connection.subscribe("test.>", { callback: (_, message) => void heard.push(message.string()) });
  await connection.flush();
  return { connection, heard };
}

test("three servers are one cluster, and a killed one comes back", { skip, timeout: 120_000 }, async (t) => {
  const bed = await Bed.open(t);
  const servers = await startNats(bed, { servers: 3 });
  const ends = await Promise.all(servers.map(listenAt));
  t.after(() => Promise.all(ends.map(({ connection }) => connection.close())));
  await until("all hear of the first", () => {
    ends[0].connection.publish("test.a", "a");
    return ends.every(({ heard }) => heard.includes("a"));
  });
  await servers[1].kill();
  await servers[1].start();
  await until("all hear of the second again", () => {
    if (!ends[1].connection.isClosed()) ends[1].connection.publish("test.b", "b");
    return ends.every(({ heard }) => heard.includes("b"));
  });
});

test("two sites have a leaf link, and every message arrives once", { skip, timeout: 120_000 }, async (t) => {
  const bed = await Bed.open(t);
  const first = await startNats(bed, { servers: 2, site: "first", acceptsLeaves: true });
  const second = await startNats(bed, { servers: 2, site: "second", hub: first });
  const ends = await Promise.all([...first, ...second].map(listenAt));
  t.after(() => Promise.all(ends.map(({ connection }) => connection.close())));
  for (const [i, { connection }] of ends.entries()) {
    const wanted = `warm ${i}`;
    await until(`all hear of ${i}`, () => {
      connection.publish("test.warm", wanted);
      return ends.every(({ heard }) => heard.includes(wanted));
    });
  }
  for (const { heard } of ends) heard.length = 0;
  for (const [i, { connection }] of ends.entries()) connection.publish("test.once", `once ${i}`);
  for (const { connection } of ends) connection.publish("test.end", "end");
  await until("all have come", () =>
    ends.every(({ heard }) => heard.filter((text) => text === "end").length >= 4),
  );
  for (const { heard } of ends) {
    const counted = heard.filter((text) => text.startsWith("once")).toSorted();
    assert.deepEqual(counted, ["once 0", "once 1", "once 2", "once 3"]);
  }
});

test("a paused server accepts connections, and says nothing until it goes on", {
  skip,
  timeout: 120_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [server] = await startNats(bed);
  server.pause();
  await assert.rejects(connect({ servers: server.url, timeout: 300, reconnect: false }));
  server.resume();
  const connection = await connect({ servers: server.url });
  await connection.close();
});
