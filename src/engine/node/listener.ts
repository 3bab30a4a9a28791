/** Opening a listening TCP socket. */
import { createServer, type Server, type Socket } from "node:net";
import type { Binding } from "../binding.ts";
import { openOrFallBack } from "./listening.ts";

/** Connections the kernel may hold for us before they are accepted. Linux lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;

/**
 * Listens on one address. Where the machine has no IPv6, `::` becomes `0.0.0.0`.
 * @throws Error with `code` and with the address in its message, as `node:net` makes it.
 */
export function openListener(binding: Binding, onConnection: (socket: Socket) => void): Promise<Server> {
  return openOrFallBack(binding, (actual) => open(actual, onConnection));
}

function open(
  { host, port, ipv6Only, reusePort }: Binding,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once("error", reject);
    server.listen({ host, port, ipv6Only, reusePort, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
