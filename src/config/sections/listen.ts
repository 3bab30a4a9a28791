/** `listen`: where clients reach the tracker, and the limits of their connections. */
import { autoOr, integer, list, listenAddress, prefixes, section } from "../fields.ts";

/** Most addresses to listen on, per protocol. */
const ADDRESS_LIMIT = 64;

/** Addresses, and the limits of the connections to them. */
export const listen = section({
  http: list(listenAddress, ADDRESS_LIMIT, ["[::]:6969"])
    .refine((addresses) => addresses.length > 0, "has no address: clients could not announce")
    .describe(
      'Addresses for HTTP announces and scrapes. "[::]:6969" is every IPv6 and IPv4 address of this machine. ' +
        "For retracker.local the port is 80.",
    ),
  udp: list(listenAddress, ADDRESS_LIMIT, ["[::]:6969"]).describe(
    "Addresses for UDP announces and scrapes (BEP 15). [] disables UDP. On a machine with several addresses, the reply " +
      "is sent from the address that the request was sent to.",
  ),
  trusted_proxies: prefixes(1000).meta({
    description:
      "Prefixes of reverse proxies. The client address is accepted from them: from Forwarded, X-Forwarded-For or the " +
      "PROXY protocol. The client is the rightmost hop that is not listed here.",
    examples: [["127.0.0.1", "::1"]],
  }),
  max_connections: integer(1, 1_000_000)
    .default(16_000)
    .describe(
      "Open connections, divided equally among the workers. At the limit, a new connection replaces the longest idle " +
        "one of the address with most idle connections, and is counted. Each connection takes a file descriptor. If the " +
        "process cannot open enough, the limit is lower, and the log reports it.",
    ),
  max_connections_per_address: autoOr(1, 1_000_000)
    .default("auto")
    .describe(
      "Open connections of one address (IPv6: /56), divided in the same way. auto is a quarter of max_connections. At " +
        "the limit, a new connection replaces an idle one of the same address. If none is idle, the new one is closed " +
        "and counted. Consider that many subscribers may share an address (CGNAT). trusted_proxies are exempt.",
    ),
  max_waiting: integer(0, 1_000_000)
    .default(10_000)
    .describe(
      "Connections that may wait for an upstream tracker or a neighbor, divided in the same way. Beyond the limit, a " +
        "client immediately gets the known peers, and is counted.",
    ),
  idle_timeout: integer(1, 3600).default(60).describe("Seconds after which an idle connection is closed."),
  request_timeout: integer(1, 300)
    .default(10)
    .describe("Seconds in which a client must send a whole request, and in which it must read a reply."),
});
