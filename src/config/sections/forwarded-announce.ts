/** `forwarded_announce`: standing in for external trackers. */
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
      "Prefixes of DPI boxes and proxies that forward announces for external trackers, and are believed about the " +
      "client's address (Forwarded, X-Forwarded-For, the PROXY protocol or ip=). docs/forwarded-announce.md has recipes.",
    examples: [["192.0.2.1"]],
  }),
  clients: prefixes(1000).meta({
    description:
      "Prefixes of clients whose announces to external trackers are redirected here on their way (DNAT): the Host " +
      "header says which tracker is meant. Nothing that they say about their address is believed.",
    examples: [["100.64.0.0/10"]],
  }),
  own_hosts: list(ownHost, OWN_HOSTS_LIMIT, ["retracker.local"]).describe(
    "Names of this tracker itself. An announce whose Host is another one is meant for that. The addresses of this " +
      "machine, its name and localhost are known; behind NAT, add the public address, which external trackers may take " +
      "for a peer's.",
  ),
  trackers: z
    .preprocess((value) => value ?? {}, modes)
    .prefault({})
    .meta({
      description:
        "By the external tracker's host name. replace (what is not listed): we answer, and ask it where necessary. " +
        "observe: its answer is passed on, nearest first and with our peers. ignore: it is not ours to answer for, " +
        "and whoever forwards is told so (421). Private trackers belong there: here, their members' addresses are " +
        "returned to whoever announces the info-hash, member or not.",
      examples: [{ "*.example.org": "observe", "private.example.net": "ignore" }],
    }),
  deny: prefixes(10_000).meta({
    description: "Prefixes of external trackers that are never asked. Private and reserved ones never are.",
    examples: [["198.51.100.0/24"]],
  }),
  timeout: integer(1, 30)
    .default(3)
    .describe(
      "Seconds that a client waits for an external tracker before it is answered with what is known.",
    ),
  max_requests: integer(1, 10_000)
    .default(256)
    .describe(
      "Announces to external trackers that may be on their way at once; a quarter of them for one client address (IPv6: /56).",
    ),
  max_requests_per_tracker: integer(1, 1000)
    .default(32)
    .describe(
      "Of them, those to one tracker. A few more queue up, and those beyond are dropped and counted.",
    ),
});
