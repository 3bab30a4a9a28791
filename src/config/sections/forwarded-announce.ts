/** `forwarded_announce`: announces for upstream trackers that the network forwards here. */
import { z } from "zod";
import { choice, expected, integer, list, prefixes, section } from "../fields.ts";

/** A host name, or `*.` and a domain, or `*`. */
const HOST_PATTERN = /^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/i;

/** Most names of this tracker. */
const OWN_HOSTS_LIMIT = 64;

const ownHost = z
  .string({ error: expected("a host name or address, without a port") })
  .regex(/^([a-z0-9_.-]+|\[[0-9a-f:.]+\])$/i, { error: expected("a host name or address, without a port") });

const modes = z
  .record(z.string(), choice(["replace", "observe", "ignore"]), {
    error: expected("host names, each with a mode"),
  })
  .superRefine((trackers, context) => {
    for (const pattern of Object.keys(trackers)) {
      if (HOST_PATTERN.test(pattern)) continue;
      context.addIssue({ code: "custom", path: [pattern], message: 'is not a host name, "*.DOMAIN" or "*"' });
    }
  });

/** Nobody may forward announces by default. */
export const forwardedAnnounce = section({
  sources: prefixes(1000).meta({
    description:
      "Prefixes of DPI boxes and proxies that forward announces for upstream trackers. The client address is accepted " +
      "from them (Forwarded, X-Forwarded-For, the PROXY protocol or ip=). docs/forwarded-announce.md has recipes.",
    examples: [["192.0.2.1"]],
  }),
  clients: prefixes(1000).meta({
    description:
      "Prefixes of clients whose announces to upstream trackers are redirected here by the network (DNAT). The Host " +
      "header names the upstream tracker. No client address is accepted from a request of these clients.",
    examples: [["100.64.0.0/10"]],
  }),
  own_hosts: list(ownHost, OWN_HOSTS_LIMIT, ["retracker.local"]).describe(
    "Names of this tracker itself. An announce with another Host is meant for an upstream tracker. The addresses of " +
      "this machine, its name and localhost are always included. Behind NAT, add the public address: upstream trackers " +
      "may return it as a peer.",
  ),
  trackers: z
    .preprocess((value) => value ?? {}, modes)
    .prefault({})
    .meta({
      description:
        "Modes by the host name of the upstream tracker. replace (the default): BTRT answers, and queries the upstream " +
        "tracker when necessary. observe: its reply is passed on, nearest peers first and with our own peers. ignore: " +
        "the announce is refused with status 421. Use ignore for private trackers: otherwise their members' addresses " +
        "are returned to every client that announces the info-hash, member or not.",
      examples: [{ "*.example.org": "observe", "private.example.net": "ignore" }],
    }),
  deny: prefixes(10_000).meta({
    description:
      "Prefixes of upstream trackers that are never queried. Private and reserved addresses are never queried either.",
    examples: [["198.51.100.0/24"]],
  }),
  timeout: integer(1, 30)
    .default(3)
    .describe("Seconds that a client waits for an upstream tracker. After that, it gets the known peers."),
  max_requests: integer(1, 10_000)
    .default(256)
    .describe(
      "Queries to upstream trackers at the same time. One client address (IPv6: /56) can have a quarter of them.",
    ),
  max_requests_per_tracker: integer(1, 1000)
    .default(32)
    .describe(
      "Queries to one upstream tracker at the same time. A few more wait in a queue; beyond that, they are dropped and counted.",
    ),
});
