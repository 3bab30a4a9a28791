/** Conformance: replies from a UDP socket bound to the wildcard have the right source address. */
import assert from "node:assert/strict";
import { closeSync } from "node:fs";
import { describe, type TestContext, test } from "node:test";
import { ownDescriptors } from "../choice.ts";
import type { ListenAddress } from "../engine.ts";
import { SOCKET } from "../uring/layouts.ts";
import { WITHOUT_IPV6 } from "./loopback.ts";
import { type MakeEngine, Rig } from "./rig.ts";

/** Any address of 127.0.0.0/8 is local. By its routes the kernel would reply to CLIENT from 127.0.0.1. */
export const DESTINATIONS = ["127.0.0.2", "127.0.0.3", "127.0.0.1"];
const CLIENT = "127.0.0.1";

/**
 * Registers the tests. IPv6 has only one loopback address, so it is tested in test/e2e.
 * @param makeEngine makes an engine that uses {@link DESTINATIONS} as the machine's addresses.
 * @param withInherited whether the engine can do so on inherited sockets.
 */
export function describeReplySource(makeEngine: MakeEngine, withInherited: boolean): void {
  describe("a reply leaves from the address that the request was sent to", () => {
    for (const [host, skip] of [
      ["0.0.0.0", false],
      ["::", WITHOUT_IPV6],
    ] as const) {
      test(`of ${host}`, { skip }, (t) => assertReplySource(t, makeEngine, { host, port: 0 }));
      test(`of ${host}, shared`, { skip }, (t) => assertReplySource(t, makeEngine, { host, port: 0 }, true));
      if (withInherited) test(`of ${host}, inherited`, { skip }, (t) => onInherited(t, makeEngine, host));
    }

    test("among replies from others, and a socket of one address", async (t) => {
      const datagrams = ["0.0.0.0", CLIENT].map((host) => ({ host, port: 0 }));
      const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams });
      const [every, one] = rig.datagrams.map(({ port }) => port);
      const destinations = [
        ...DESTINATIONS.map((host) => ({ host, port: every })),
        { host: CLIENT, port: one },
      ];
      const clients = await Promise.all(destinations.map((address) => rig.openDatagrams(address, CLIENT)));
      for (let round = 0; round < 100; round++) {
        for (const [i, client] of clients.entries()) await client.send(`say ${round} at ${i}`);
        for (const [i, client] of clients.entries())
          assert.equal(String(await client.receive()), `${round} at ${i}`);
      }
    });
  });
}

async function assertReplySource(
  t: TestContext,
  makeEngine: MakeEngine,
  address: ListenAddress,
  shared = false,
): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { addresses: [], datagrams: [address], shared });
  const [{ port }] = rig.datagrams;
  for (const host of DESTINATIONS) {
    const client = await rig.openDatagrams({ host, port }, CLIENT);
    assert.equal(await client.ask("say here"), "here");
  }
  assert.equal(rig.counters.dropped, 0);
}

async function onInherited(t: TestContext, makeEngine: MakeEngine, host: string): Promise<void> {
  const [{ SocketCalls }, { Memory }, { setsockopt }] = await Promise.all([
    import("../uring/socket-calls.ts"),
    import("../uring/memory.ts"),
    import("../uring/libc.ts"),
  ]);
  const calls = new SocketCalls();
  const options = { type: "datagram", ipv6Only: false, shared: false } as const;
  const { fd, address } = calls.open({ host, port: 0 }, options);
  // Like a service manager, which does not request destination addresses.
  const zero = Memory.allocate(4);
  const [level, option] =
    host === "::" ? [SOCKET.levelIPv6, SOCKET.receivePacketInfo6] : [SOCKET.levelIPv4, SOCKET.packetInfo4];
  assert.equal(setsockopt(fd, level, option, zero.pointerTo(0), 4), 0);
  zero.unmap();
  calls.close();
  t.after(() => closeSync(fd));
  const { datagrams } = await ownDescriptors({ streams: [], datagrams: [{ ...address, fd }] });
  await assertReplySource(t, makeEngine, datagrams[0]);
}
