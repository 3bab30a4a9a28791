/** Conformance: a socket of every address, asked at one of them. */
import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { ownDescriptors } from "../choice.ts";
import type { ListenAddress } from "../engine.ts";
import { SOCKET } from "../uring/layouts.ts";
import { WITHOUT_IPV6 } from "./loopback.ts";
import { type MakeEngine, Rig } from "./rig.ts";

/** All of 127.0.0.0/8 is this machine. A reply to a client at the first would leave from the first. */
export const ASKED = ["127.0.0.2", "127.0.0.3", "127.0.0.1"];
const CLIENT = "127.0.0.1";

/**
 * Registers the tests. IPv6, of which there is one loopback address, is in test/e2e.
 * @param makeEngine an engine that takes all of {@link ASKED} for addresses of this machine.
 * @param canGiven whether it can do so on sockets that are given.
 */
export function describeAskedAddress(makeEngine: MakeEngine, canGiven: boolean): void {
  describe("the reply leaves from the address that was asked", () => {
    for (const [host, skip] of [
      ["0.0.0.0", false],
      ["::", WITHOUT_IPV6],
    ] as const) {
      test(`of ${host}`, { skip }, (t) => leavesFromThere(t, makeEngine, { host, port: 0 }));
      test(`of ${host}, shared`, { skip }, (t) => leavesFromThere(t, makeEngine, { host, port: 0 }, true));
      if (canGiven) test(`of ${host}, given`, { skip }, (t) => ofGiven(t, makeEngine, host));
    }

    test("among replies from others, and a socket of one address", async (t) => {
      const datagrams = ["0.0.0.0", CLIENT].map((host) => ({ host, port: 0 }));
      const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams });
      const [every, one] = rig.datagrams.map(({ port }) => port);
      const asked = [...ASKED.map((host) => ({ host, port: every })), { host: CLIENT, port: one }];
      const clients = await Promise.all(asked.map((address) => rig.openDatagrams(address, CLIENT)));
      for (let round = 0; round < 100; round++) {
        for (const [i, client] of clients.entries()) await client.send(`say ${round} at ${i}`);
        for (const [i, client] of clients.entries())
          assert.equal(String(await client.receive()), `${round} at ${i}`);
      }
    });
  });
}

async function leavesFromThere(
  t: TestContext,
  makeEngine: MakeEngine,
  address: ListenAddress,
  shared = false,
): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams: [address], shared });
  const [{ port }] = rig.datagrams;
  for (const host of ASKED) {
    const client = await rig.openDatagrams({ host, port }, CLIENT);
    assert.equal(await client.ask("say here"), "here");
  }
  assert.equal(rig.counters.dropped, 0);
}

async function ofGiven(t: TestContext, makeEngine: MakeEngine, host: string): Promise<void> {
  const [{ SocketCalls }, { Memory }, { setsockopt }] = await Promise.all([
    import("../uring/socket-calls.ts"),
    import("../uring/memory.ts"),
    import("../uring/libc.ts"),
  ]);
  const calls = new SocketCalls();
  const options = { type: "datagram", ipv6Only: false, shared: false } as const;
  const { fd, address } = calls.open({ host, port: 0 }, options);
  // As a service manager opens it: it does not ask where datagrams are sent to.
  const zero = Memory.allocate(4);
  const [level, option] =
    host === "::" ? [SOCKET.levelIPv6, SOCKET.receivePacketInfo6] : [SOCKET.levelIPv4, SOCKET.packetInfo4];
  assert.equal(setsockopt(fd, level, option, zero.pointerTo(0), 4), 0);
  zero.unmap();
  calls.close();
  t.after(() => closeSync(fd));
  const { datagrams } = await ownDescriptors({ streams: [], datagrams: [{ ...address, fd }] });
  await leavesFromThere(t, makeEngine, datagrams[0]);
}
