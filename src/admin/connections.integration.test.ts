import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { AdminConnections } from "./connections.ts";

/** A server that answers `/` at once, and holds other requests. */
async function start(t: TestContext, most: number, reserve: number) {
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/") response.end("here");
    else held.push(response);
  });
  const connections = new AdminConnections(server, { most, reserve });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  t.after(() => {
    for (const client of clients) client.destroy();
    server.close().closeAllConnections();
  });
  const open = async () => {
    const accepted = once(server, "connection");
    const client = connect(port, "127.0.0.1").on("error", () => {});
    clients.push(client);
    await Promise.all([once(client, "connect"), accepted]);
    return client;
  };
  const hold = async (client: Socket) => {
    const begun = once(server, "request");
    client.write("GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await begun;
  };
  return { connections, held, open, hold };
}

/** @returns all that is answered, on a connection that closes afterwards. */
function ask(client: Socket): Promise<string> {
  client.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  return text(client).catch(() => "");
}

test("idle connections make room, the longest idle first, whatever part of a request they have sent", async (t) => {
  const { connections, open } = await start(t, 3, 0);
  const idle = [await open(), await open(), await open()];
  idle[1].write("GET / HTT");
  for (const each of idle) {
    const gone = once(each, "close");
    assert.match(await ask(await open()), /here$/);
    // What asked has closed its connection: its place is taken by another that says nothing.
    await open();
    each.resume();
    await gone;
  }
  assert.equal(connections.refused, 0);
});

test("a connection that is being answered stays, and some more are kept for this machine", async (t) => {
  const { connections, held, open, hold } = await start(t, 2, 1);
  const busy = [await open(), await open()];
  for (const each of busy) await hold(each);
  const third = await open();
  await hold(third);
  assert.equal(await ask(await open()), "", "there is no room");
  assert.equal(connections.refused, 1);
  assert.equal(connections.displaced, 0);
  const answered = once(busy[0], "data");
  held[0].end("now");
  await answered;
  assert.match(await ask(await open()), /here$/, "it is idle now");
  assert.equal(connections.displaced, 1);
});
