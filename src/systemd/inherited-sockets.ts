/** Sockets inherited from the service manager (socket activation), as in sd_listen_fds(3). */
import type { ListenAddress, ListenAddresses } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { formatAddress, formatHostPort, parseAddress } from "../model/address-text.ts";

/** Number of the first inherited descriptor, SD_LISTEN_FDS_START. */
const FIRST_DESCRIPTOR = 3;
/** Limit of inherited descriptors: the addresses that `listen` can have, for both protocols. */
const MOST_DESCRIPTORS = 128;

/** The inherited sockets do not match the configuration. The message says how to fix that. */
export class InheritedSocketError extends Error {}

/** An inherited socket. */
export interface InheritedSocket {
  readonly type: "stream" | "datagram";
  readonly address: ListenAddress;
  /** Its name in the service manager: the unit's name by default. */
  readonly name: string;
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
      return { type: socket.type, name, address: { host: formatAddress(address), port: socket.port, fd } };
    });
  } finally {
    calls.close();
  }
}

/**
 * Replaces configured addresses by the inherited sockets that are bound to them; the other addresses will be opened. A
 * socket of `0.0.0.0` also replaces `::`, which is opened as `0.0.0.0` on machines without IPv6.
 * @throws InheritedSocketError if a socket matches no address: it would not be served.
 */
export function placeInheritedSockets(
  wanted: ListenAddresses,
  given: readonly InheritedSocket[],
): ListenAddresses {
  const streams = [...wanted.streams];
  const datagrams = [...wanted.datagrams];
  for (const { type, name, address } of given) {
    const [addresses, key, protocol] =
      type === "stream"
        ? ([streams, "listen.http", "TCP"] as const)
        : ([datagrams, "listen.udp", "UDP"] as const);
    let place = addresses.findIndex((each) => isAt(each, address.host, address.port));
    if (place < 0 && address.host === "0.0.0.0")
      place = addresses.findIndex((each) => isAt(each, "::", address.port));
    const at = `${protocol} ${formatHostPort(address)}`;
    if (place < 0)
      throw new InheritedSocketError(
        `${name} of the service manager has ${at}, which is not in ${key}: add it there, or remove it from ${name}`,
      );
    if (addresses[place].fd !== undefined)
      throw new InheritedSocketError(`${name} of the service manager has ${at} twice`);
    addresses[place] = address;
  }
  return { streams, datagrams };
}

function isAt(address: ListenAddress, host: string, port: number): boolean {
  return address.port === port && parseAddress(address.host).equals(parseAddress(host));
}
