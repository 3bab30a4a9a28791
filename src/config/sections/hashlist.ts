/** `hashlist`: the torrents that are fully available inside, so that their outside connections can be refused. */
import { DRY_RUN_FORMATS, FORMATS, HASH_LIST_FORMATS } from "../../hash-list/formats/formats.ts";
import { choice, filePath, flag, integer, keys, list, optional, rule, section, text } from "../fields.ts";

/** A regular expression with two groups. */
const twoGroups = text().superRefine((pattern, context) => {
  const message = wrongPattern(pattern);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const dpiStatistics = keys({
  file: filePath.describe("The statistics log of the DPI box."),
  pattern: twoGroups.describe(
    "A regular expression with two groups: the total handshakes seen, and the total handshakes refused. The last " +
      "matching line is used.",
  ),
});

/** A torrent leaves the list at fewer copies than it entered with, so that it does not flicker. */
export const hashlist = section(
  {
    path: optional(filePath).meta({
      description:
        "The path of the list. Each format adds its own file name extension. The file with .status.json has the time until which the list is valid.",
      examples: ["/var/lib/btrt/hashlist"],
    }),
    interval: integer(5, 86_400)
      .default(600)
      .describe("Seconds between lists. A torrent that must leave is removed within a minute."),
    formats: list(choice(HASH_LIST_FORMATS), HASH_LIST_FORMATS.length, ["text"]).describe(
      HASH_LIST_FORMATS.map((name) => `${name}: ${FORMATS[name].description}.`).join(" "),
    ),
    min_complete: integer(1, 100)
      .default(2)
      .describe(
        "Complete copies inside the network that a torrent needs to be listed. Copies at one address, or in one IPv6 " +
          "/56, count once. A copy counts when it is proven: see min_dwell.",
      ),
    leave_complete: integer(1, 100)
      .default(1)
      .describe(
        "A listed torrent with fewer proven copies inside is removed within a minute. So is a torrent with a stalled " +
          "download inside (selection.stall_seconds).",
      ),
    min_peers: integer(0, 100_000).default(5).describe("Peers inside that a torrent needs to be listed."),
    min_dwell: integer(0, 86_400)
      .default(600)
      .describe(
        "Seconds for which a torrent must have had enough copies before it is listed. Each stall doubles the time. A " +
          "copy is proven when it has been announced for as many seconds, when it was downloaded here, or when it has " +
          "uploaded. selection.policy bridged uses the same rule.",
      ),
    tiers: integer(1, 1000)
      .default(1)
      .describe("Number of priorities of peer_groups that count as inside, from the nearest."),
    max_entries: integer(1, 1_000_000)
      .default(100_000)
      .describe("Maximum number of listed torrents. Those with the most peers are listed first."),
    exclude: optional(filePath).meta({
      description:
        "A file with torrents that are never listed: an info-hash of 40 hexadecimal digits per line. # starts a comment.",
      examples: ["/etc/btrt/never_listed.txt"],
    }),
    dry_run: flag()
      .default(false)
      .describe(
        `true: the list is made and counted, but not written to files. It is only available as ${DRY_RUN_FORMATS}.`,
      ),
    router_counters: optional(filePath).meta({
      description:
        'If a Linux router with the rules of "btrt nftables" refuses the connections: the file with its counters.',
      examples: ["/var/lib/btrt/router_counters.json"],
    }),
    dpi_statistics: dpiStatistics
      .nullable()
      .default(null)
      .meta({
        description: "If a DPI box refuses the connections: where its counts are.",
        examples: [{ file: "/var/log/dpi/statistics.log", pattern: "BitTorrent: (\\d+)/(\\d+)" }],
      }),
  },
  rule(["leave_complete", "min_complete"], ({ leave_complete, min_complete }) =>
    leave_complete > min_complete ? `must not be more than min_complete, ${min_complete}` : undefined,
  ),
);

/** Checks a pattern. @returns the mistake, or undefined. */
function wrongPattern(pattern: string): string | undefined {
  try {
    const groups = new RegExp(`${pattern}|`).exec("")!.length - 1;
    return groups === 2 ? undefined : `must have two groups, not ${groups}`;
  } catch {
    return "is not a regular expression";
  }
}
