/** DNS records for this tracker's names, in the formats of common servers. */
import { isIP } from "node:net";

/** TTL of the records in seconds. */
const TTL = 300;

/** The lines for names and addresses, each prefixed with the server whose configuration it belongs to. */
export function dnsLines(names: readonly string[], addresses: readonly string[]): string[] {
  const pairs = names.flatMap((name) => addresses.map((address) => ({ name, address })));
  const records = pairs.map(
    ({ name, address }) => `${name}. ${TTL} IN ${isIP(address) === 6 ? "AAAA" : "A"} ${address}`,
  );
  return [
    ...records.map((record) => `BIND     ${record}`),
    ...records.map((record) => `Unbound  local-data: "${record}"`),
    ...names.flatMap((name) => [
      // Otherwise dnsmasq forwards queries for the missing address family, and gets NXDOMAIN.
      `dnsmasq  local=/${name}/`,
      `dnsmasq  host-record=${[name, ...addresses].join(",")}`,
    ]),
  ];
}
