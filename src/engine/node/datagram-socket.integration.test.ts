/** System call failures that a test cannot provoke in the kernel. */
import assert from "node:assert/strict";
import { Socket } from "node:dgram";
import { mock, type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { TestCounters } from "../conformance/rig.ts";
import { TestDatagramClient } from "../conformance/test-datagram-client.ts";
import { ToyDatagramService } from "../conformance/toy-datagram-service.ts";
import { DatagramSocket } from "./datagram-socket.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0, ipv6Only: false, reusePort: false };

async function open(t: TestContext, binding = LOOPBACK) {
  const service = new ToyDatagramService();
  const counters = new TestCounters();
  const bind = mock.method(Socket.prototype, "bind");
  const socket = await DatagramSocket.open(binding, service, counters);
  bind.mock.restore();
  t.after(() => socket.close());
  const client = await TestDatagramClient.open(socket.address);
  t.after(() => client.close());
  const node = bind.mock.calls.at(-1)?.this;
  assert.ok(node instanceof Socket);
  return { service, counters, socket, client, node };
}

for (const code of ["ENOBUFS", "EAGAIN", "EPERM"]) {
  test(`a reply that the kernel refuses (${code}) is dropped and counted`, async (t) => {
    const { counters, client, node } = await open(t);
    const send = mock.method(node, "send", (...args: unknown[]) => {
      const callback = args.at(-1);
      assert.ok(typeof callback === "function");
      process.nextTick(callback, Object.assign(new Error(`send ${code}`), { code }));
    });
    await client.send("say lost");
    await counters.until(() => counters.dropped === 1);
    send.mock.restore();
    assert.equal(await client.ask("say kept"), "kept");
  });
}

test("replies do not queue up while the kernel has no buffer space", async (t) => {
  const { counters, client, node } = await open(t);
  const waiting = mock.method(node, "getSendQueueCount", () => 1);
  for (let i = 0; i < 5; i++) await client.send("say lost");
  await counters.until(() => counters.dropped === 5);
  waiting.mock.restore();
  assert.equal(await client.ask("say kept"), "kept");
});

test("a queued reply keeps its bytes", async (t) => {
  const { client, node } = await open(t);
  const replies: Uint8Array[] = [];
  let waits = false;
  const send = mock.method(node, "send", (reply: Uint8Array, start: number, length: number) => {
    replies.push(reply.subarray(start, start + length));
    waits = true;
  });
  const waiting = mock.method(node, "getSendQueueCount", () => (waits ? 1 : 0));
  await client.send("say first");
  await client.send("say other");
  while (waiting.mock.callCount() < 3) await nextTurn();
  send.mock.restore();
  waiting.mock.restore();
  assert.equal(await client.ask("say again"), "again");
  assert.deepEqual(replies.map(String), [String(Buffer.from("first"))]);
});

test("a failure to receive is counted, and service continues", async (t) => {
  const { counters, client, node } = await open(t);
  node.emit("error", Object.assign(new Error("recvmsg ECONNREFUSED"), { code: "ECONNREFUSED" }));
  assert.equal(counters.dropped, 1);
  assert.equal(await client.ask("say alive"), "alive");
});

test("a datagram from port 0 is dropped", async (t) => {
  const { service, counters, client, node } = await open(t);
  const sender = { address: "127.0.0.1", family: "IPv4", port: 0, size: 5 };
  node.emit("message", Buffer.from("say x"), sender);
  assert.deepEqual([counters.dropped, service.calls], [1, 0]);
  assert.equal(await client.ask("say alive"), "alive");
});

test(":: falls back to 0.0.0.0 where there is no IPv6", async (t) => {
  const bind = Socket.prototype.bind;
  const failing = mock.method(Socket.prototype, "bind", function (this: Socket, ...args: [object]) {
    if (!JSON.stringify(args).includes("::")) return bind.apply(this, args);
    const error = Object.assign(new Error("bind EAFNOSUPPORT"), { code: "EAFNOSUPPORT" });
    process.nextTick(() => this.emit("error", error));
    return this;
  });
  t.after(() => failing.mock.restore());
  const socket = await DatagramSocket.open(
    { ...LOOPBACK, host: "::" },
    new ToyDatagramService(),
    new TestCounters(),
  );
  t.after(() => socket.close());
  assert.equal(socket.address.host, "0.0.0.0");
});

test("the receive buffer is raised as far as the system allows", async (t) => {
  const { node } = await open(t);
  assert.ok(node.getRecvBufferSize() > 0);
  const raise = mock.method(Socket.prototype, "setRecvBufferSize", () => {
    throw new Error("ENOBUFS");
  });
  t.after(() => raise.mock.restore());
  assert.equal(await (await open(t)).client.ask("say alive"), "alive");
  assert.deepEqual(raise.mock.calls[0].arguments, [4 * 1024 * 1024]);
});
