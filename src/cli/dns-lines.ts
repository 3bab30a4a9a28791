/** What makes a name mean this tracker in the DNS that subscribers ask, as the usual servers write it. */
import { isIP } from "node:net";

/** Seconds for which resolvers may remember it. */
const TTL = 300;

/** The lines for names and addresses, each with the program whose configuration it belongs into. */
export function dnsLines(names: readonly string[], addresses: readonly string[]): string[] {
  const pairs = names.flatMap((name) => addresses.map((address) => ({ name, address })));
  const records = pairs.map(
    ({ name, address }) => `${name}. ${TTL} IN ${isIP(address) === 6 ? "AAAA" : "A"} ${address}`,
  );
  return [
    ...records.map((record) => `BIND     ${record}`),
    ...records.map((record) => `Unbound  local-data: "${record}"`),
    ...names.flatMap((name) => [
      // Without this it asks others for the address family that we have no address of, and they know no such name.
      `dnsmasq  local=/${name}/`,
      `dnsmasq  host-record=${[name, ...addresses].join(",")}`,
    ]),
  ];
}
