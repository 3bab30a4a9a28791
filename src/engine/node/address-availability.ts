/** Checks that addresses are free before several engines share them. */
import type { Server } from "node:net";
import { bindingOf } from "../binding.ts";
import type { EngineCounters, ListenAddress, ListenAddresses } from "../engine.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { openListener } from "./listener.ts";

const SILENT = { serve: () => 0, expect() {} };
const UNCOUNTED: EngineCounters = {
  connectionAccepted() {},
  connectionRefused() {},
  connectionOverShare() {},
  connectionDisplaced() {},
  acceptFailed() {},
  connectionTimedOut() {},
  connectionClosed() {},
  datagramDropped() {},
};

/**
 * Binds every address exclusively, and closes it at once. SO_REUSEPORT would let another tracker of the same user bind
 * the same address, and each would receive a part of the clients. So this check comes before the first engine binds
 * with it.
 * @throws Error with a `code` such as EADDRINUSE and the address in its message.
 */
export async function assertAddressesFree({ streams, datagrams }: ListenAddresses): Promise<void> {
  const servers: Server[] = [];
  const sockets: DatagramSocket[] = [];
  try {
    for (const address of streams.filter(isFixed)) {
      servers.push(await openListener(bindingOf(address, streams, false), (socket) => socket.destroy()));
    }
    for (const address of datagrams.filter(isFixed)) {
      sockets.push(await DatagramSocket.open(bindingOf(address, datagrams, false), SILENT, UNCOUNTED));
    }
  } finally {
    for (const socket of sockets) socket.close();
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Port 0 never conflicts, and an inherited socket is already bound. */
function isFixed({ port, fd }: ListenAddress): boolean {
  return port !== 0 && fd === undefined;
}
