/** Sockets that the service manager opened for us (socket activation), as sd_listen_fds(3) describes. */
import type { ListenAddress, ListenAddresses } from "../engine/engine.ts";
import { Address } from "../model/address.ts";
import { formatAddress, formatHostPort, parseAddress } from "../model/address-text.ts";

/** The number of the first descriptor, SD_LISTEN_FDS_START. */
const FIRST_DESCRIPTOR = 3;
/** More are a mistake: as many addresses as `listen` takes, of both kinds. */
const MOST_DESCRIPTORS = 128;

/** What was given does not fit the configuration. The message says what to do. */
export class GivenSocketError extends Error {}

/** A socket that was given. */
export interface GivenSocket {
  readonly type: "stream" | "datagram";
  readonly address: ListenAddress;
  /** What the service manager calls it: the name of its unit, unless that says otherwise. */
  readonly name: string;
}

/**
 * Takes the sockets that were given to this process. The environment has them no more afterwards: they are nobody
 * else's.
 * @throws GivenSocketError when one is not for TCP or UDP, or cannot be used here.
 */
export async function takeGivenSockets(
  environment: Record<string, string | undefined>,
  processId: number,
): Promise<GivenSocket[]> {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = "" } = environment;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete environment[name];
  const count = Number(LISTEN_FDS ?? 0);
  if (count === 0 || Number(LISTEN_PID) !== processId) return [];
  if (!Number.isInteger(count) || count < 0 || count > MOST_DESCRIPTORS)
    throw new GivenSocketError(`LISTEN_FDS=${LISTEN_FDS} is not a number of at most ${MOST_DESCRIPTORS}`);
  const names = LISTEN_FDNAMES.split(":");
  const { SocketCalls } = await import("../engine/uring/socket-calls.ts").catch(() => {
    throw new GivenSocketError(
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
        throw new GivenSocketError(
          `${name} of the service manager is no listening socket for TCP, nor one for UDP`,
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
 * Puts the sockets that were given in the places of the addresses they are bound to; the others are opened. A socket of
 * `0.0.0.0` takes that of `::`, too: it is what is opened for it where there is no IPv6.
 * @throws GivenSocketError when one has no place: nobody would answer there.
 */
export function placeGivenSockets(wanted: ListenAddresses, given: readonly GivenSocket[]): ListenAddresses {
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
      throw new GivenSocketError(
        `${name} of the service manager has ${at}, which ${key} does not name: add it there, or take it out of ${name}`,
      );
    if (addresses[place].fd !== undefined)
      throw new GivenSocketError(`${name} of the service manager has ${at} twice`);
    addresses[place] = address;
  }
  return { streams, datagrams };
}

function isAt(address: ListenAddress, host: string, port: number): boolean {
  return address.port === port && parseAddress(address.host).equals(parseAddress(host));
}
