/** `forwarded_announce`: standing in for external trackers. */
import { z } from "zod";
import { choice, expected, integer, prefixes, section } from "../fields.ts";

/** A host name, or `*.` and a domain, or `*`. */
const HOST_PATTERN = /^(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)$/i;

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
      "Prefixes from which forwarded announces are accepted, and believed about the client's address.",
    examples: [["192.0.2.1"]],
  }),
  trackers: z
    .preprocess((value) => value ?? {}, modes)
    .prefault({})
    .meta({
      description:
        "By the external tracker's host name. replace (what is not listed): we answer, and ask it where necessary. " +
        "observe: its answer is passed on, nearest first and with our peers. ignore: it is not ours to answer for.",
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
});
