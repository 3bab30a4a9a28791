import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Rig } from "../conformance/rig.ts";
import { assertAddressesFree } from "./address-availability.ts";
import { NodeEngine } from "./node-engine.ts";

/** Starts another process with SO_REUSEPORT. @returns its ports for TCP and UDP. */
async function startSharer(t: TestContext): Promise<number[]> {
  const script = fileURLToPath(new URL("../conformance/echo-process.ts", import.meta.url));
  const sharer = spawn(process.execPath, [script, "node", "shared"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => sharer.kill());
  const [line] = await once(sharer.stdout, "data");
  return String(line).split(" ").map(Number);
}

const at = (port: number, host = "127.0.0.1") => [{ host, port }];

test("ports of another process with SO_REUSEPORT are in use, though they could be bound", async (t) => {
  const [tcp, udp] = await startSharer(t);
  const inUse = { code: "EADDRINUSE", message: /EADDRINUSE/ };
  await assert.rejects(assertAddressesFree({ streams: at(tcp), datagrams: [] }), inUse);
  await assert.rejects(assertAddressesFree({ streams: [], datagrams: at(udp) }), inUse);
  await assert.rejects(assertAddressesFree({ streams: at(tcp, "0.0.0.0"), datagrams: [] }), inUse);
  await assert.rejects(assertAddressesFree({ streams: [], datagrams: at(udp, "0.0.0.0") }), inUse);

  const makeEngine = (...parts: ConstructorParameters<typeof NodeEngine>) => new NodeEngine(...parts);
  await Rig.start(t, makeEngine, { addresses: at(tcp), datagrams: at(udp), shared: true });
});

test("a free address is still free afterwards, and port 0 always is", async (t) => {
  const makeEngine = (...parts: ConstructorParameters<typeof NodeEngine>) => new NodeEngine(...parts);
  const first = await Rig.start(t, makeEngine, { datagrams: at(0) });
  const free = { streams: first.addresses, datagrams: first.datagrams };
  await first.engine.stop(0);
  await assertAddressesFree(free);
  await assertAddressesFree({ streams: at(0), datagrams: at(0) });
  await Rig.start(t, makeEngine, { addresses: free.streams, datagrams: free.datagrams, shared: true });
});

test("an address that the machine does not have is reported as such", async () => {
  const elsewhere = { host: "192.0.2.77", port: 6969 };
  await assert.rejects(assertAddressesFree({ streams: [elsewhere], datagrams: [] }), {
    code: "EADDRNOTAVAIL",
  });
  await assert.rejects(assertAddressesFree({ streams: [], datagrams: [elsewhere] }), {
    code: "EADDRNOTAVAIL",
  });
});
