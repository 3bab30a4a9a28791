import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestClient } from "../conformance/test-client.ts";

/** Enough for Node itself and a few connections. */
const DESCRIPTORS = 60;

test("without descriptors for more connections, those there are go on being served", async (t) => {
  const script = fileURLToPath(new URL("./echo-process.ts", import.meta.url));
  const limited = `ulimit -n ${DESCRIPTORS} && exec "$0" "$1"`;
  const server = spawn("sh", ["-c", limited, process.execPath, script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(server, "exit");
  t.after(() => server.kill());
  const [line] = await once(server.stdout, "data");
  const address = { host: "127.0.0.1", port: Number(line) };

  const clients = await Promise.all(
    Array.from({ length: 2 * DESCRIPTORS }, () => TestClient.connect(address)),
  );
  const answers = await Promise.allSettled(clients.map((client) => client.ask("say hello")));
  const served = clients.filter((_, i) => answers[i].status === "fulfilled");
  assert.ok(served.length > 0, "some are served");
  assert.ok(served.length < DESCRIPTORS, "the others are not");
  for (const client of served) assert.equal(await client.ask("say again"), "again");
  for (const client of clients) client.close();

  // The server may see a new connection before it sees that the old ones are gone.
  let answer = "";
  while (answer !== "here") answer = await askAnew(address, "say here").catch(() => "");
  server.stdin.end();
  assert.deepEqual(await exited, [0, null]);
});

async function askAnew(address: { host: string; port: number }, line: string): Promise<string> {
  const client = await TestClient.connect(address);
  try {
    return await client.ask(line);
  } finally {
    client.close();
  }
}
