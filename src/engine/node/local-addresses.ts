/**
 * The machine's addresses, for UDP sockets bound to a wildcard.
 *
 * `node:dgram` neither reports the destination of a datagram nor lets the sender choose the source of a reply: from a
 * wildcard socket the routes choose it. So each address has a socket of its own, which the kernel prefers to the
 * wildcard. An inherited socket (systemd) does not allow that.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { isWildcard } from "../binding.ts";
import type { ListenAddress } from "../engine.ts";

/** Sockets for single addresses beside a wildcard. Further addresses are served by the wildcard. */
export const LOCAL_ADDRESS_LIMIT = 64;

/** Systems where a socket of one address can be bound beside the wildcard (SO_REUSEPORT), and takes precedence. */
const ALLOWS_PER_ADDRESS_SOCKETS: readonly NodeJS.Platform[] = ["linux"];

type Interfaces = NodeJS.Dict<readonly NetworkInterfaceInfo[]>;

/** The machine's addresses except 127.0.0.1, ::1 and link-local ones, whose replies have the right source anyway. */
export function localAddresses(interfaces: Interfaces = networkInterfaces()): string[] {
  const all = Object.values(interfaces).flatMap((addresses) => addresses ?? []);
  const others = all.filter(
    (each) =>
      each.address !== "127.0.0.1" &&
      each.address !== "::1" &&
      !(each.family === "IPv6" && each.scopeid !== 0),
  );
  return [...new Set(others.map(({ address }) => address))];
}

/**
 * The addresses for which a reply could leave from another one. With one address in a family it cannot.
 * @param ipv6Only whether `::` leaves IPv4 to another socket.
 */
export function ambiguousAddresses(host: string, ipv6Only: boolean, all: readonly string[]): string[] {
  const isIPv6 = host.includes(":");
  const families = [
    isIPv6 && ipv6Only ? [] : all.filter((address) => !address.includes(":")),
    isIPv6 ? all.filter((address) => address.includes(":")) : [],
  ];
  return families.filter(({ length }) => length > 1).flat();
}

/** Whether sockets of single addresses can be bound beside this one. */
export function allowsPerAddressSockets({ host, fd }: ListenAddress, platform = process.platform): boolean {
  return isWildcard(host) && fd === undefined && ALLOWS_PER_ADDRESS_SOCKETS.includes(platform);
}

/**
 * Filters the UDP listening addresses where the `node` engine may reply from another address than was queried.
 * @param all the machine's addresses.
 */
export function uncertainReplySources(
  datagrams: readonly ListenAddress[],
  all: readonly string[] = localAddresses(),
): ListenAddress[] {
  return datagrams.filter((address) => {
    const isOnlyIPv6 = datagrams.some(({ host, port }) => host === "0.0.0.0" && port === address.port);
    const count = ambiguousAddresses(address.host, isOnlyIPv6, all).length;
    return isWildcard(address.host) && count > (allowsPerAddressSockets(address) ? LOCAL_ADDRESS_LIMIT : 0);
  });
}
