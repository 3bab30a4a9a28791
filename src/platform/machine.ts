/** Names and addresses of this machine. */
import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { type Prefix, parsePrefix } from "../network/prefix.ts";

/** Returns the addresses of all interfaces, each as a prefix. */
export function machineAddresses(): Prefix[] {
  return interfaceAddresses().map((address) => parsePrefix(address).prefix);
}

/**
 * Returns the addresses of all interfaces, and the addresses in a list of own hosts. Behind NAT, the public address
 * is not one of the interfaces'.
 */
export function ownAddresses(hosts: readonly string[]): Prefix[] {
  const named = hosts.map((host) => host.replace(/^\[(.*)\]$/, "$1")).filter((host) => isIP(host) !== 0);
  return [...machineAddresses(), ...named.map((address) => parsePrefix(address).prefix)];
}

/** Returns names and addresses as in a Host header without a port. */
export function machineHosts(): string[] {
  const addresses = interfaceAddresses().map((address) => (address.includes(":") ? `[${address}]` : address));
  return ["localhost", hostname(), ...addresses];
}

/** Returns addresses as text, without the interface that follows the percent sign of a link-local address. */
function interfaceAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.map(({ address }) => address.split("%")[0]);
}
