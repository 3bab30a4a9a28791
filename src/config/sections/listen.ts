/** `listen`: where clients reach the tracker, and what one of them may take. */
import { autoOr, integer, list, listenAddress, prefixes, section } from "../fields.ts";

/** Most addresses to listen on, per protocol. */
const ADDRESS_LIMIT = 64;

/** Addresses, and what the connections to them may take. */
export const listen = section({
  http: list(listenAddress, ADDRESS_LIMIT, ["[::]:6969"])
    .refine((addresses) => addresses.length > 0, "names no address: nobody could announce")
    .describe(
      'Addresses for HTTP announces and scrapes. "[::]:6969" is every IPv6 and IPv4 address of this machine. ' +
        "For retracker.local the port is 80.",
    ),
  udp: list(listenAddress, ADDRESS_LIMIT, ["[::]:6969"]).describe(
    "Addresses for UDP announces and scrapes (BEP 15); [] for none. Of a machine with several addresses the reply leaves " +
      "from the one that was asked.",
  ),
  trusted_proxies: prefixes(1000).meta({
    description:
      "Prefixes of reverse proxies that are believed about the client's address: Forwarded, X-Forwarded-For or the " +
      "PROXY protocol. The client is the rightmost hop that is not listed here.",
    examples: [["127.0.0.1", "::1"]],
  }),
  max_connections: integer(1, 1_000_000)
    .default(20_000)
    .describe(
      "Open connections, shared out evenly among the workers. For one more, one that is idle is closed, and counted: " +
        "the longest idle of the address that has most of those. Each takes a file descriptor; where the process may " +
        "open too few, there are fewer, and the log says so.",
    ),
  max_connections_per_address: autoOr(1, 1_000_000)
    .default("auto")
    .describe(
      "Of them, those of one address, or one /56 of IPv6, shared out likewise; auto is a quarter. For one more, an idle " +
        "one of that address is closed; where none is idle, the new one is closed at once, and counted. Many " +
        "subscribers may share an address (CGNAT). Does not hold for trusted_proxies.",
    ),
  max_waiting: integer(0, 1_000_000)
    .default(10_000)
    .describe(
      "Of them, those that may wait for an external tracker or a neighbor, shared out likewise. One more is answered " +
        "at once with what is known, and counted.",
    ),
  idle_timeout: integer(1, 3600)
    .default(60)
    .describe("Seconds after which a connection without a request is closed."),
  request_timeout: integer(1, 300)
    .default(10)
    .describe("Seconds that a request may take to arrive, and a reply to be taken."),
});
