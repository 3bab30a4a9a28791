/** Opening a listening TCP socket. */
import { createServer, type Server, type Socket } from "node:net";
import type { ListenAddress } from "../engine.ts";

/** Connections the kernel may hold for us before they are accepted. Linux lowers it to `net.core.somaxconn`. */
const BACKLOG = 4096;

/**
 * Listens on one address. Where the machine has no IPv6, `::` becomes `0.0.0.0`.
 * @param ipv6Only whether `::` leaves IPv4 to another listener; else it takes both.
 * @throws Error with `code` and with the address in its message, as `node:net` makes it.
 */
export async function openListener(
  address: ListenAddress,
  ipv6Only: boolean,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  try {
    return await open(address, ipv6Only, onConnection);
  } catch (error) {
    if (address.host !== "::" || !lacksIPv6(error)) throw error;
    return await open({ host: "0.0.0.0", port: address.port }, false, onConnection);
  }
}

function open(
  { host, port }: ListenAddress,
  ipv6Only: boolean,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once("error", reject);
    server.listen({ host, port, ipv6Only, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function lacksIPv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
}
