/** Binding of listening sockets. */
import type { ListenAddress } from "./engine.ts";

/** The parameters for binding a socket. */
export interface Binding extends ListenAddress {
  /** Whether `::` leaves IPv4 to another socket (IPV6_V6ONLY); otherwise it takes both. */
  readonly ipv6Only: boolean;
  /** SO_REUSEPORT: other sockets of this user that set it may bind the same address. */
  readonly reusePort: boolean;
}

/**
 * The binding of one address. @param all the addresses of the same protocol: `::` leaves IPv4 to `0.0.0.0` with the
 * same port.
 */
export function bindingOf(
  address: ListenAddress,
  all: readonly ListenAddress[],
  reusePort: boolean,
): Binding {
  const { host, port, fd } = address;
  const isOther = (other: ListenAddress) => other.host === "0.0.0.0" && other.port === port;
  return { host, port, fd, ipv6Only: host === "::" && port !== 0 && all.some(isOther), reusePort };
}

/** Whether an address is the wildcard of one family or both. */
export function isWildcard(host: string): boolean {
  return /^[0.:]+$/.test(host);
}

/** Whether opening a socket failed because the machine has no IPv6. */
export function lacksIPv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
}
