/** Opening a listening TCP socket. */
import { createServer, type Server, type Socket } from "node:net";
import type { Binding } from "../binding.ts";
import { openOrFallBack } from "./listening.ts";

/** Connections the kernel may hold for us before they are accepted. Linux lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;
/** Of a socket that others have opened: what they have allowed is not to be less. */
const GIVEN_BACKLOG = 65_535;

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
        : { fd, backlog: GIVEN_BACKLOG };
    server.listen(where, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
