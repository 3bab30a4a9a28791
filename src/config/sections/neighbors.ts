/** `neighbors`: the retrackers of partner networks. */
import { z } from "zod";
import { expected, flag, integer, keys, list, prefixes, rule, text } from "../fields.ts";
import { distinctNames } from "../names.ts";
import { didYouMean } from "../suggest.ts";

/** The placeholders of `announce_request`, without the braces. */
const PLACEHOLDERS = ["info_hash", "peer_id", "port", "numwant", "ip"];

/** The announce to a neighbor of which only the host is known: that of a leecher that requests compact peers. */
export const ANNOUNCE_PATH =
  "/announce?info_hash={info_hash}&peer_id={peer_id}&port={port}&uploaded=0&downloaded=0&left=4194304" +
  "&compact=1&numwant={numwant}";

/** Most neighbors. */
const NEIGHBOR_LIMIT = 100;

/** The template of a URL with placeholders. */
const announceRequest = z
  .string({ error: expected("the URL of an announce") })
  .max(4096, { error: "is longer than 4096 characters" })
  .superRefine((template, context) => {
    const message = wrongTemplate(template);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });

const neighbor = keys(
  {
    name: text().describe("The name of the neighbor, for logs and statistics."),
    refresh_interval: integer(60, 86_400)
      .default(1800)
      .describe("Seconds between queries about a torrent that clients still announce."),
    peers_expiry_interval: integer(60, 604_800)
      .default(7200)
      .describe("Seconds after which its peers expire, unless it returns them again."),
    announce_request: announceRequest.describe(
      "The announce that BTRT sends: an http, https or udp URL. {info_hash}, {peer_id}, {port}, {numwant} and {ip} are " +
        "filled in.",
    ),
    enabled: flag().default(true).describe("false: the neighbor is not queried."),
    timeout: integer(1, 60).default(10).describe("Seconds to wait for a reply."),
    max_concurrent: integer(1, 10_000).default(50).describe("Queries at the same time."),
    max_requests_per_second: integer(1, 100_000).default(200).describe("Queries started per second."),
    source: prefixes(1000).meta({
      description:
        "Prefixes from which the neighbor queries BTRT. Announces from them are not stored as peers.",
      examples: [["198.51.100.7"]],
    }),
    reachable_from: list(text(), 1000).meta({
      description:
        "Peer groups whose clients can reach the private addresses that the neighbor returns. A private address is " +
        "accepted only if these include all groups to which the addresses of its own group are returned.",
      examples: [["neighboring peers"]],
    }),
  },
  rule(["peers_expiry_interval", "refresh_interval"], ({ peers_expiry_interval, refresh_interval }) =>
    peers_expiry_interval <= refresh_interval
      ? `must be more than refresh_interval, ${refresh_interval}`
      : undefined,
  ),
);

/** The keys of the original BTRT, and our own. */
export const neighbors = list(neighbor, NEIGHBOR_LIMIT)
  .check(distinctNames())
  .meta({
    description:
      "Retrackers of partner networks. BTRT queries them for peers of the torrents that clients announce here.",
    examples: [
      [
        {
          name: "the nearest retracker",
          announce_request: `http://retracker.example${ANNOUNCE_PATH}`,
        },
      ],
    ],
  });

/** Checks the template of an announce. @returns the mistake, or undefined. */
function wrongTemplate(template: string): string | undefined {
  for (const [, word] of template.matchAll(/\{([^{}]*)\}/g)) {
    if (!PLACEHOLDERS.includes(word)) return `{${word}} is not known here${didYouMean(word, PLACEHOLDERS)}`;
  }
  const filled = template.replaceAll(/\{[a-z_]+\}/g, "0");
  const scheme = URL.canParse(filled) ? new URL(filled).protocol : "";
  if (scheme === "udp:") return undefined;
  if (scheme !== "http:" && scheme !== "https:")
    return "must be a URL that begins with http://, https:// or udp://";
  return template.includes("{info_hash}") ? undefined : "must contain {info_hash}";
}
