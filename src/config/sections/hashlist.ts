/** `hashlist`: the torrents with enough complete copies inside that outside connections can be refused. */
import { DRY_RUN_FORMATS, FORMATS, HASH_LIST_FORMATS } from "../../hash-list/formats/formats.ts";
import { choice, filePath, flag, integer, keys, list, optional, rule, section, text } from "../fields.ts";

/** A regular expression with two groups. */
const twoGroups = text().superRefine((pattern, context) => {
  const message = wrongPattern(pattern);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const dpiStatistics = keys({
  file: filePath.describe("The statistics log of a DPI box."),
  pattern: twoGroups.describe(
    "A regular expression with two groups: handshakes seen and handshakes refused, in all. The last line that matches " +
      "counts.",
  ),
});

/** A torrent leaves the list at fewer copies than it entered with, so that it does not flicker. */
export const hashlist = section(
  {
    path: optional(filePath).meta({
      description:
        "The file it is written to; each format adds its own ending, and .status.json says until when it is valid.",
      examples: ["/var/lib/btrt/hashlist"],
    }),
    interval: integer(5, 86_400)
      .default(600)
      .describe("Seconds from one list to the next. A torrent that must leave is taken off within a minute."),
    formats: list(choice(HASH_LIST_FORMATS), HASH_LIST_FORMATS.length, ["text"]).describe(
      HASH_LIST_FORMATS.map((name) => `${name}: ${FORMATS[name].description}.`).join(" "),
    ),
    min_complete: integer(1, 100)
      .default(2)
      .describe(
        "Complete copies inside from which a torrent is listed. Those at one address, or in one IPv6 /56, count once. " +
          "A copy counts once it is proven: see min_dwell.",
      ),
    leave_complete: integer(1, 100)
      .default(1)
      .describe(
        "A listed torrent with fewer proven copies inside than this is taken off within a minute, as is one in which a " +
          "download inside stalls (selection.stall_seconds).",
      ),
    min_peers: integer(0, 100_000).default(5).describe("Peers inside from which a torrent is listed."),
    min_dwell: integer(0, 86_400)
      .default(600)
      .describe(
        "Seconds for which it must have had enough copies before it is listed; twice as many after each stall. And " +
          "seconds for which a copy must have been announced to be proven, unless it was downloaded here or has " +
          "uploaded; selection.policy bridged goes by that, too.",
      ),
    tiers: integer(1, 1000)
      .default(1)
      .describe("Priorities of peer_groups that count as inside, from the nearest on."),
    max_entries: integer(1, 1_000_000)
      .default(100_000)
      .describe("Torrents listed: those with the most peers first."),
    exclude: optional(filePath).meta({
      description:
        "A file of torrents that are never listed: 40 hexadecimal digits per line; # begins a comment.",
      examples: ["/etc/btrt/never_listed.txt"],
    }),
    dry_run: flag()
      .default(false)
      .describe(
        `true: the list is made and counted, but neither written nor exported, except as ${DRY_RUN_FORMATS}.`,
      ),
    router_counters: optional(filePath).meta({
      description:
        'Where a Linux router refuses the connections, by the rules of "btrt nftables": a file that it writes its ' +
        "counters to.",
      examples: ["/var/lib/btrt/router_counters.json"],
    }),
    dpi_statistics: dpiStatistics
      .nullable()
      .default(null)
      .meta({
        description: "Where a DPI box refuses the connections: where its counts of them are.",
        examples: [{ file: "/var/log/dpi/statistics.log", pattern: "BitTorrent: (\\d+)/(\\d+)" }],
      }),
  },
  rule(["leave_complete", "min_complete"], ({ leave_complete, min_complete }) =>
    leave_complete > min_complete ? `must not be more than min_complete, ${min_complete}` : undefined,
  ),
);

/** What is wrong with a pattern, or undefined. */
function wrongPattern(pattern: string): string | undefined {
  try {
    const groups = new RegExp(`${pattern}|`).exec("")!.length - 1;
    return groups === 2 ? undefined : `must have two groups, not ${groups}`;
  } catch {
    return "is not a regular expression";
  }
}
