/**
 * This machine's addresses, one by one, for which a UDP socket of every address stands.
 *
 * `node:dgram` neither says to which address a datagram was sent, nor from which a reply is to leave: a socket of every
 * address answers from the one that the routes choose. So each address has a socket of its own beside it, which the
 * kernel prefers. A socket that is given (systemd) lets no other beside it.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { isWildcard } from "../binding.ts";
import type { ListenAddress } from "../engine.ts";

/** Sockets of one address beside one of every address. What the machine has more is served by the latter. */
export const LOCAL_ADDRESS_LIMIT = 64;

/** Systems where a socket of one address can be bound beside one of every address (SO_REUSEPORT), and goes before it. */
const ALLOWS_BESIDE: readonly NodeJS.Platform[] = ["linux"];

type Interfaces = NodeJS.Dict<readonly NetworkInterfaceInfo[]>;

/** All addresses of this machine but 127.0.0.1, ::1 and link-local ones, to which replies leave from the right one. */
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
 * Those of the machine's addresses for which a reply could leave from another. Of a family with one address it cannot.
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

/** Whether sockets of one address can be bound beside the one that is bound here. */
export function allowsBeside({ host, fd }: ListenAddress, platform = process.platform): boolean {
  return isWildcard(host) && fd === undefined && ALLOWS_BESIDE.includes(platform);
}

/**
 * Of the addresses to listen on for UDP, those where the `node` engine may answer from another address than was asked.
 * @param all the machine's.
 */
export function repliesFromElsewhere(
  datagrams: readonly ListenAddress[],
  all: readonly string[] = localAddresses(),
): ListenAddress[] {
  return datagrams.filter((address) => {
    const isOnlyIPv6 = datagrams.some(({ host, port }) => host === "0.0.0.0" && port === address.port);
    const count = ambiguousAddresses(address.host, isOnlyIPv6, all).length;
    return isWildcard(address.host) && count > (allowsBeside(address) ? LOCAL_ADDRESS_LIMIT : 0);
  });
}
