/** `peer_groups`: the networks, by nearness. */
import { ADDRESS_LIMIT_MAX, GROUPS_MAX } from "../../network/peer-groups.ts";
import { filePath, integer, keys, list, optional, prefixes, text } from "../fields.ts";
import { distinctNames, groupsExist } from "../names.ts";

const group = keys({
  name: text().describe("Its name, in logs and statistics."),
  priority: integer(0, 65_535).describe(
    "Lower is nearer. Groups of the same priority are equally near: one tier.",
  ),
  cidr_file: optional(filePath).meta({
    description:
      "A file with its prefixes, one per line; # begins a comment. It is read again when it changes.",
    examples: ["/etc/btrt/local_cidrs.conf"],
  }),
  cidr_list: prefixes(100_000).meta({
    description: "Prefixes besides those of the file.",
    examples: [["192.0.2.0/24", "2001:db8::/32"]],
  }),
  max_peers_per_address: optional(integer(1, ADDRESS_LIMIT_MAX)).meta({
    description:
      "Peers of one address of this group that are remembered in a torrent, if not as many as " +
      "tracker.max_peers_per_address says: more where many subscribers share an address (CGNAT).",
    examples: [256],
  }),
  reachable_from: list(text(), GROUPS_MAX).meta({
    description:
      "Groups whose clients can reach the private addresses (10.0.0.0/8, 100.64.0.0/10, fd00::/8 and the like) in " +
      "this group. Others are never given them; the group's own clients are.",
    examples: [["neighboring peers"]],
  }),
});

/** The keys of the original, and ours. */
export const peerGroups = list(group, GROUPS_MAX)
  .check(distinctNames(), groupsExist())
  .meta({
    description:
      "The networks of peers. An address belongs to the group with the longest prefix that holds it; one in no group " +
      "is farther than all groups.",
    examples: [
      [
        {
          name: "local peers",
          priority: 0,
          cidr_file: "/etc/btrt/local_cidrs.conf",
          cidr_list: ["192.0.2.0/24", "2001:db8::/32"],
        },
        {
          name: "neighboring peers",
          priority: 1,
          cidr_file: "/etc/btrt/neighboring_cidrs.conf",
          cidr_list: ["198.51.100.0/24"],
        },
      ],
    ],
  });
