/** Opening a listening TCP socket. */
import { createServer, type Server, type Socket } from "node:net";
import type { Binding } from "../binding.ts";
import { openOrFallBack } from "./listening.ts";

/** Listen backlog. Linux lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;
/** Listen backlog of an inherited socket: high, so that it does not lower the configured one. */
const INHERITED_BACKLOG = 65_535;

/**
 * Listens on one address. Where the machine has no IPv6, `::` becomes `0.0.0.0`.
 * @throws Error with `code` and with the address in its message, as `node:net` makes it.
 */
export function openListener(binding: Binding, onConnection: (socket: Socket) => void): Promise<Server> {
  return openOrFallBack(binding, (actual) => open(actual, onConnection));
}

function open(
  { host, port, fd, ipv6Only, reusePort }: Binding,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once("error", reject);
    const where =
      fd === undefined
        ? { host, port, ipv6Only, reusePort, backlog: BACKLOG }
        : { fd, backlog: INHERITED_BACKLOG };
    server.listen(where, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
