/** Changes of the machine's addresses while a wildcard socket is served. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { freePort } from "../../../test/support/free-port.ts";
import { TestCounters } from "../conformance/rig.ts";
import { TestDatagramClient } from "../conformance/test-datagram-client.ts";
import { ToyDatagramService } from "../conformance/toy-datagram-service.ts";
import { DatagramListener } from "./datagram-listener.ts";
import { LOCAL_ADDRESS_LIMIT } from "./local-addresses.ts";

/** The client's address. By its routes the kernel sends replies from it as well. */
const CLIENT = "127.0.0.1";
const RETRY_MS = 20;

async function open(t: TestContext, port: number, addresses: string[]) {
  const counters = new TestCounters();
  const binding = { host: "0.0.0.0", port, ipv6Only: false, reusePort: false };
  const watch = { list: () => addresses, everyMs: 1 };
  const listener = await DatagramListener.open(binding, new ToyDatagramService(), counters, watch);
  t.after(() => listener.close());
  /** Sends a request to an address. @returns the source of the reply. */
  const ask = async (host: string) => {
    const to = { host, port: listener.address.port };
    const client = await TestDatagramClient.open(to, CLIENT);
    // Datagrams in the buffer of a socket that was just closed are lost.
    const timer = setInterval(() => void client.send("say here"), RETRY_MS);
    const answer = await client.ask("say here").catch(({ message }: Error) => message);
    clearInterval(timer);
    client.close();
    return answer === "here" ? host : answer.split(" ")[1];
  };
  return { listener, ask };
}

test("a new address gets its own socket, and the socket of a removed one is closed", async (t) => {
  const addresses = ["127.0.0.2", "127.0.0.3"];
  const { ask } = await open(t, 0, addresses);
  assert.deepEqual([await ask("127.0.0.3"), await ask("127.0.0.4")], ["127.0.0.3", CLIENT]);
  addresses.push("127.0.0.4");
  while ((await ask("127.0.0.4")) !== "127.0.0.4") await nextTurn();
  addresses.splice(1, 1);
  while ((await ask("127.0.0.3")) !== CLIENT) await nextTurn();
  assert.equal(await ask("127.0.0.2"), "127.0.0.2");
});

test("a single address has no socket of its own until there is a second", async (t) => {
  const addresses = ["127.0.0.2"];
  const { ask } = await open(t, 0, addresses);
  assert.equal(await ask("127.0.0.2"), CLIENT);
  addresses.push("127.0.0.3");
  while ((await ask("127.0.0.2")) !== "127.0.0.2") await nextTurn();
});

test("an address that cannot be bound is served by the wildcard socket", async (t) => {
  const { ask } = await open(t, 0, ["192.0.2.77", "127.0.0.2"]);
  assert.deepEqual([await ask("127.0.0.2"), await ask("127.0.0.9")], ["127.0.0.2", CLIENT]);
});

test("the number of sockets is limited", async (t) => {
  const addresses = Array.from({ length: LOCAL_ADDRESS_LIMIT + 1 }, (_, i) => `127.0.1.${i}`);
  const { ask } = await open(t, 0, addresses);
  const [first, last, beyond] = [addresses[0], addresses[LOCAL_ADDRESS_LIMIT - 1], addresses.at(-1) ?? ""];
  assert.deepEqual([await ask(first), await ask(last), await ask(beyond)], [first, last, CLIENT]);
});

test("a port in use is refused, and no other socket can bind it", async (t) => {
  const port = await freePort();
  const { listener } = await open(t, port, ["127.0.0.2", "127.0.0.3"]);
  for (const host of ["0.0.0.0", "127.0.0.3"]) {
    const other = createSocket("udp4");
    t.after(() => other.close());
    other.bind({ address: host, port });
    const [error] = await once(other, "error").catch((thrown: unknown) => [thrown]);
    assert.equal(error.code, "EADDRINUSE");
  }
  await assert.rejects(open(t, port, []), { code: "EADDRINUSE" });
  assert.equal(listener.address.port, port);
});
