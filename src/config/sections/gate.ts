/** `gate`: holds the policy `bridged` at the routers: subscribers that are no bridges do not meet the outside. */
import { GATE_FORMAT_NAMES, GATE_FORMATS } from "../../gate/formats.ts";
import { choice, filePath, flag, integer, list, optional, section, text } from "../fields.ts";

/** The limits are those of the memory: docs/gate.md has what a million endpoints take. */
export const gate = section({
  enabled: flag()
    .default(false)
    .describe(
      "true: torrents that a home can feed itself are gated, and routers with btrt gate refuse the connections to " +
        "the outside that they do not need. Needs selection.policy bridged. docs/gate.md says what that does to " +
        "subscribers. To switch it on needs a restart.",
    ),
  groups: list(text(), 1000).meta({
    description:
      "Names of the peer_groups whose members the gate applies to. By default: the groups of the nearest priority.",
    examples: [["local peers"]],
  }),
  seeders: choice(["closed", "open"])
    .default("closed")
    .describe(
      "Subscribers with a complete copy of a gated torrent. closed: they do not meet the outside while others at home " +
        "download. open: they do.",
    ),
  exclude: optional(filePath).meta({
    description:
      "A file with torrents that are never gated: an info-hash of 40 hexadecimal digits per line. # starts a comment.",
    examples: ["/etc/btrt/never_gated.txt"],
  }),
  max_torrents: integer(1, 1_000_000)
    .default(200_000)
    .describe("Maximum number of gated torrents. Those with the most downloaders at home come first."),
  max_endpoints: integer(1, 4_000_000)
    .default(1_000_000)
    .describe(
      "Maximum number of closed endpoints and of outside endpoints of gated torrents, together. The torrents with the most " +
        "downloaders at home come first.",
    ),
  path: optional(filePath).meta({
    description:
      "The path of files for DPI boxes: gated (info-hashes), open (who may meet the outside, by info-hash) and closed " +
      "(endpoints that must begin with an unencrypted handshake). Each list and format adds its own ending, such as .gated.csv. Routers need no files.",
    examples: ["/var/lib/btrt/gate"],
  }),
  formats: list(choice(GATE_FORMAT_NAMES), GATE_FORMAT_NAMES.length, ["text"]).describe(
    GATE_FORMAT_NAMES.map((name) => `${name}: ${GATE_FORMATS[name].description}.`).join(" "),
  ),
  interval: integer(1, 3600).default(10).describe("Seconds between two writings of these files."),
});
