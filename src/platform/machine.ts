/** What this machine is called, and where it is. */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { type Prefix, parsePrefix } from "../network/prefix.ts";

/** The addresses of all its interfaces, each as a prefix of its own. */
export function machineAddresses(): Prefix[] {
  return interfaceAddresses().map((address) => parsePrefix(address).prefix);
}

/**
 * The addresses of all its interfaces, and those among names that the operator calls its own: behind NAT it is reached,
 * and seen, at an address that no interface has.
 */
export function ownAddresses(hosts: readonly string[]): Prefix[] {
  const named = hosts.map((host) => host.replace(/^\[(.*)\]$/, "$1")).filter((host) => isIP(host) !== 0);
  return [...machineAddresses(), ...named.map((address) => parsePrefix(address).prefix)];
}

/** Its names and addresses as they stand in a Host header, without a port. */
export function machineHosts(): string[] {
  const addresses = interfaceAddresses().map((address) => (address.includes(":") ? `[${address}]` : address));
  return ["localhost", hostname(), ...addresses];
}

/** As text. Of a link-local address, the interface stands behind a percent sign. */
function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.map(({ address }) => address.split("%")[0]);
}
