/** System call failures that a test cannot provoke in the kernel. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { TestCounters } from "../conformance/rig.ts";
import { TestDatagramClient } from "../conformance/test-datagram-client.ts";
import { ToyDatagramService } from "../conformance/toy-datagram-service.ts";
import type { DatagramCalls } from "./datagram-server.ts";
import { MMSGHDR, SOCKADDR, SOCKET } from "./layouts.ts";
import { probeUring } from "./probe.ts";

const skip = (await probeUring()) ?? false;

/** SO_TIMESTAMP, asm-generic/socket.h. */
const SO_TIMESTAMP = 29;

const ERRNO = { EPERM: 1, EAGAIN: 11, ENOBUFS: 105, ECONNREFUSED: 111 } as const;

/** A server with its own socket and replaceable system calls, which serves on request. */
async function open(t: TestContext, address = { host: "127.0.0.1", port: 0 }) {
  const [{ DatagramServer }, { Ring }, { SocketCalls }, libc] = await Promise.all([
    import("./datagram-server.ts"),
    import("./ring.ts"),
    import("./socket-calls.ts"),
    import("./libc.ts"),
  ]);
  const calls: { -readonly [Name in keyof DatagramCalls]: DatagramCalls[Name] } = { ...libc };
  const ring = new Ring(8, 16);
  const service = new ToyDatagramService();
  const counters = new TestCounters();
  const server = new DatagramServer(ring, service, counters, calls);
  const sockets = new SocketCalls();
  const socket = sockets.open(address, { type: "datagram", ipv6Only: false, shared: false });
  server.add(socket);
  const client = await TestDatagramClient.open({ host: "127.0.0.1", port: socket.address.port });
  t.after(() => {
    client.close();
    ring.close();
    server.close();
    sockets.close();
  });
  /** Sends a datagram, and serves until it was handled. */
  const exchange = async (text: string) => {
    await client.send(text);
    server.complete(0);
  };
  return { service, counters, client, calls, exchange, fd: socket.fd };
}

for (const code of ["EPERM", "EAGAIN", "ENOBUFS"] as const) {
  test(`a reply that the kernel refuses (${code}) is dropped and counted`, { skip }, async (t) => {
    const { counters, client, calls, exchange } = await open(t);
    const { sendmmsg, errno } = calls;
    calls.sendmmsg = () => -1;
    calls.errno = () => ERRNO[code];
    await exchange("say lost");
    assert.equal(counters.dropped, 1);
    Object.assign(calls, { sendmmsg, errno });
    await exchange("say kept");
    assert.equal(String(await client.receive()), "kept");
  });
}

test("replies behind a refused one in a batch are sent", { skip }, async (t) => {
  const { counters, client, calls, exchange } = await open(t);
  const { sendmmsg } = calls;
  let refused = false;
  calls.sendmmsg = (...parameters) => {
    if (refused) return sendmmsg(...parameters);
    refused = true;
    return -1;
  };
  await client.send("say first");
  await client.send("say second");
  await exchange("say third");
  assert.equal(counters.dropped, 1);
  assert.equal(String(await client.receive()), "second");
  assert.equal(String(await client.receive()), "third");
});

test("a failure to receive is counted, and service continues", { skip }, async (t) => {
  const { counters, client, calls, exchange } = await open(t);
  const { recvmmsg, errno } = calls;
  let failed = false;
  calls.recvmmsg = (...parameters) => {
    if (failed) return recvmmsg(...parameters);
    failed = true;
    return -1;
  };
  calls.errno = () => (counters.dropped === 0 ? ERRNO.ECONNREFUSED : errno());
  await exchange("say alive");
  assert.equal(counters.dropped, 1);
  assert.equal(String(await client.receive()), "alive");
});

test("a datagram from port 0 is dropped", { skip }, async (t) => {
  const { viewMemory } = await import("./libc.ts");
  const { service, counters, client, calls, exchange } = await open(t);
  const { recvmmsg } = calls;
  calls.recvmmsg = (fd, messages, ...rest) => {
    const count = recvmmsg(fd, messages, ...rest);
    const [name] = new BigUint64Array(viewMemory(messages ?? 0n, MMSGHDR.bytes));
    new Uint16Array(viewMemory(name, SOCKADDR.bytes4))[SOCKADDR.port >> 1] = 0;
    return count;
  };
  await exchange("say lost");
  assert.deepEqual([counters.dropped, service.calls], [1, 0]);
  calls.recvmmsg = recvmmsg;
  await exchange("say alive");
  assert.equal(String(await client.receive()), "alive");
});

test("an inherited socket may have other control messages", { skip }, async (t) => {
  const [{ setsockopt }, { Memory }] = await Promise.all([import("./libc.ts"), import("./memory.ts")]);
  for (const host of ["0.0.0.0", "::"]) {
    const { counters, client, exchange, fd } = await open(t, { host, port: 0 });
    const one = Memory.allocate(4);
    one.words[0] = 1;
    assert.equal(setsockopt(fd, SOCKET.levelSocket, SO_TIMESTAMP, one.pointerTo(0), 4), 0);
    one.unmap();
    await exchange("say hello");
    assert.equal(String(await client.receive()), "hello");
    assert.equal(counters.dropped, 0);
  }
});
