/** Whether addresses that several engines are about to share are free. */
import type { Server } from "node:net";
import { bindingOf } from "../binding.ts";
import type { EngineCounters, ListenAddress, ListenAddresses } from "../engine.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { openListener } from "./listener.ts";

const SILENT = { serve: () => 0 };
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
 * Binds every address for itself alone, and lets it go at once. SO_REUSEPORT would let another tracker of the same user
 * bind beside us, and each would get a part of the clients; so this comes before the first engine listens with it.
 * @throws Error with a `code` such as EADDRINUSE and the address in its message.
 */
export async function assertUnclaimed({ streams, datagrams }: ListenAddresses): Promise<void> {
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

/** Port 0 is whichever is free, and a socket that is given is somebody's on our behalf. */
function isFixed({ port, fd }: ListenAddress): boolean {
  return port !== 0 && fd === undefined;
}
