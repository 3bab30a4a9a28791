/** Sockets inherited from the service manager (socket activation), as in sd_listen_fds(3). */
import type { ListenAddress, ListenAddresses } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { formatAddress, formatHostPort, parseAddress } from "../model/address-text.ts";

/** Number of the first inherited descriptor, SD_LISTEN_FDS_START. */
const FIRST_DESCRIPTOR = 3;
/** Limit of inherited descriptors: the addresses that `listen` can have, for both protocols. */
const MOST_DESCRIPTORS = 128;

/** The inherited sockets cannot be used. The message says why. */
export class InheritedSocketError extends Error {}

/** An inherited socket. */
export interface InheritedSocket {
  readonly type: "stream" | "datagram";
  readonly address: ListenAddress;
  /** Its name in the service manager: the unit's name by default. */
  readonly name: string;
  /** Whether an IPv6 socket does not accept IPv4. */
  readonly ipv6Only: boolean;
}

/**
 * Takes the sockets passed to this process, and removes them from the environment, so that child processes do not use
 * them.
 * @throws InheritedSocketError if a socket is neither TCP nor UDP, or cannot be used.
 */
export async function takeInheritedSockets(
  environment: Record<string, string | undefined>,
  processId: number,
): Promise<InheritedSocket[]> {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = "" } = environment;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete environment[name];
  const count = Number(LISTEN_FDS ?? 0);
  if (count === 0 || Number(LISTEN_PID) !== processId) return [];
  if (!Number.isInteger(count) || count < 0 || count > MOST_DESCRIPTORS)
    throw new InheritedSocketError(`LISTEN_FDS=${LISTEN_FDS} is not a number of at most ${MOST_DESCRIPTORS}`);
  const names = LISTEN_FDNAMES.split(":");
  const { SocketCalls } = await import("../engine/uring/socket-calls.ts").catch(() => {
    throw new InheritedSocketError(
      "sockets of the service manager need the package koffi, which is not installed",
    );
  });
  const calls = new SocketCalls();
  try {
    return Array.from({ length: count }, (_, i) => {
      const fd = FIRST_DESCRIPTOR + i;
      const name = names[i] || `descriptor ${fd}`;
      const socket = calls.describe(fd);
      if (socket === undefined)
        throw new InheritedSocketError(
          `${name} of the service manager is neither a listening TCP socket nor a UDP socket`,
        );
      const address = new Address();
      address.setBytes(socket.address, 0);
      const { type, port, ipv6Only } = socket;
      return { type, name, address: { host: formatAddress(address), port, fd }, ipv6Only };
    });
  } finally {
    calls.close();
  }
}

/** The addresses to listen on, some of them inherited sockets, and the inherited sockets that are not served. */
export interface PlacedSockets extends ListenAddresses {
  readonly unused: readonly InheritedSocket[];
}

/**
 * Replaces configured addresses by the inherited sockets that accept their clients; the other addresses will be opened.
 * A socket of `0.0.0.0` also replaces `::`, which is opened as `0.0.0.0` on machines without IPv6.
 *
 * A socket that matches no address is served as well, because clients can connect to it in any case. A UDP socket is
 * unused if the configuration disables UDP.
 * @throws InheritedSocketError if two sockets have the same address.
 */
export function placeInheritedSockets(
  wanted: ListenAddresses,
  given: readonly InheritedSocket[],
): PlacedSockets {
  const streams = [...wanted.streams];
  const datagrams = [...wanted.datagrams];
  const unused: InheritedSocket[] = [];
  for (const socket of given) {
    const { type, name, address } = socket;
    const [addresses, protocol] = type === "stream" ? [streams, "TCP"] : [datagrams, "UDP"];
    if (type === "datagram" && wanted.datagrams.length === 0) {
      unused.push(socket);
      continue;
    }
    if (addresses.some((each) => each.fd !== undefined && isAt(each, address.host, address.port)))
      throw new InheritedSocketError(
        `${name} of the service manager has ${protocol} ${formatHostPort(address)} twice`,
      );
    const replaced = replacedBy(socket, addresses);
    const at = addresses.findIndex((each) => replaced.includes(each));
    const others = addresses.filter((each) => !replaced.includes(each));
    addresses.splice(0, addresses.length, ...others);
    addresses.splice(at < 0 ? addresses.length : at, 0, address);
  }
  return { streams, datagrams, unused };
}

/** The addresses, not inherited ones, whose clients a socket accepts. */
function replacedBy({ address, ipv6Only }: InheritedSocket, addresses: readonly ListenAddress[]) {
  const { host, port } = address;
  const open = addresses.filter((each) => each.fd === undefined && each.port === port);
  const isIPv4 = (each: ListenAddress) => !each.host.includes(":");
  if (host === "::") return open.filter((each) => !ipv6Only || !isIPv4(each));
  if (host !== "0.0.0.0") return open.filter((each) => isAt(each, host, port));
  const included = open.filter(isIPv4);
  return included.length > 0 ? included : open.filter((each) => isAt(each, "::", port));
}

function isAt(address: ListenAddress, host: string, port: number): boolean {
  return address.port === port && parseAddress(address.host).equals(parseAddress(host));
}
