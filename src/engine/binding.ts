/** How listening sockets are bound. */
import type { ListenAddress } from "./engine.ts";

/** How a socket is bound. */
export interface Binding extends ListenAddress {
  /** Whether `::` leaves IPv4 to another socket; else it takes both. */
  readonly ipv6Only: boolean;
  /** SO_REUSEPORT: others of this user may bind the same address, if they say so too. */
  readonly reusePort: boolean;
}

/** How one of the addresses is bound. @param all those of its kind: `::` leaves IPv4 to `0.0.0.0` with its port. */
export function bindingOf(
  address: ListenAddress,
  all: readonly ListenAddress[],
  reusePort: boolean,
): Binding {
  const { host, port, fd } = address;
  const isOther = (other: ListenAddress) => other.host === "0.0.0.0" && other.port === port;
  return { host, port, fd, ipv6Only: host === "::" && port !== 0 && all.some(isOther), reusePort };
}

/** Whether an address to listen on is every address of the machine, of one family or both. */
export function isWildcard(host: string): boolean {
  return /^[0.:]+$/.test(host);
}

/** Whether an error of opening a socket says that the machine has no IPv6. */
export function lacksIPv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
}
