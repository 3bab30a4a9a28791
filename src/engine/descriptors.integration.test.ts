/** Service when a process has run out of descriptors. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestClient } from "./conformance/test-client.ts";
import { TestDatagramClient } from "./conformance/test-datagram-client.ts";
import type { ListenAddress } from "./engine.ts";
import { probeUring } from "./uring/probe.ts";

/** Enough for Node itself and a few connections. */
const DESCRIPTORS = 60;

/** Requests of one client in which all others that can be served are served. */
const ROUNDS = 20;

/** An engine in a process with limited descriptors, and twice as many clients. */
async function start(t: TestContext, engine: string) {
  const script = fileURLToPath(new URL("./conformance/echo-process.ts", import.meta.url));
  const limited = `ulimit -n ${DESCRIPTORS} && exec "$0" "$1" "$2"`;
  const server = spawn("sh", ["-c", limited, process.execPath, script, engine], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  t.after(() => server.kill());
  const [line] = await once(server.stdout, "data");
  const [address, datagrams]: ListenAddress[] = String(line)
    .split(" ")
    .map((port) => ({ host: "127.0.0.1", port: Number(port) }));
  const counted = once(server.stdout, "data");
  const datagramClient = await TestDatagramClient.open(datagrams);
  t.after(() => datagramClient.close());
  const clients = await Promise.all(
    Array.from({ length: 2 * DESCRIPTORS }, () => TestClient.connect(address)),
  );
  t.after(() => {
    for (const client of clients) client.close();
  });
  const end = () => {
    server.stdin.end();
    return exited;
  };
  return { address, clients, datagramClient, counted, end };
}

test("node: without descriptors new connections are closed, and open ones are still served", async (t) => {
  const { address, clients, datagramClient, counted, end } = await start(t, "node");
  const answers = await Promise.allSettled(clients.map((client) => client.ask("say hello")));
  const served = clients.filter((_, i) => answers[i].status === "fulfilled");
  assert.ok(served.length > 0, "some are served");
  assert.ok(served.length < DESCRIPTORS, "the others are not");
  for (const client of served) assert.equal(await client.ask("say again"), "again");
  assert.equal(await datagramClient.ask("say datagram"), "datagram");
  assert.match(String(await counted), /^accepting failed/);
  for (const client of clients) client.close();

  // The server may see a new connection before the close of old ones.
  let answer = "";
  while (answer !== "here") answer = await askAnew(address, "say here").catch(() => "");
  assert.deepEqual(await end(), [0, null]);
});

const without = await probeUring();
test("uring: without descriptors new connections wait until others have closed", {
  skip: without ?? false,
}, async (t) => {
  const { clients, datagramClient, counted, end } = await start(t, "uring");
  const [first, ...others] = clients;
  assert.equal(await first.ask("say hello"), "hello");
  const served: TestClient[] = [];
  const asking = Promise.all(
    others.map(async (client) => {
      assert.equal(await client.ask("say hello"), "hello");
      served.push(client);
    }),
  );
  for (let round = 0; round < ROUNDS; round++) {
    assert.equal(await first.ask("say still"), "still");
    assert.equal(await datagramClient.ask("say datagram"), "datagram");
  }
  assert.ok(served.length > 0, "some are served");
  assert.ok(served.length < DESCRIPTORS, "the others wait");
  assert.match(String(await counted), /^accepting failed/);
  while (served.length < others.length) {
    for (const client of served) client.close();
    assert.equal(await first.ask("say still"), "still");
  }
  await asking;
  assert.deepEqual(await end(), [0, null]);
});

async function askAnew(address: ListenAddress, line: string): Promise<string> {
  const client = await TestClient.connect(address);
  try {
    return await client.ask(line);
  } finally {
    client.close();
  }
}
