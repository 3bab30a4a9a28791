/** `peer_groups`: the networks, by nearness. */
import { ADDRESS_LIMIT_MAX, GROUPS_MAX } from "../../network/peer-groups.ts";
import { filePath, integer, keys, list, optional, prefixes, text } from "../fields.ts";
import { distinctNames, groupsExist } from "../names.ts";
import { prefixSource } from "./prefix-source.ts";

const group = keys({
  name: text().describe("The name of the group, for logs and statistics."),
  priority: integer(0, 65_535).describe(
    "A lower number is nearer. Groups with the same priority are equally near: they are one tier.",
  ),
  cidr_file: optional(filePath).meta({
    description:
      "A file with the prefixes of the group, one per line. # starts a comment. Changes are read automatically.",
    examples: ["/etc/btrt/local_cidrs.conf"],
  }),
  cidr_list: prefixes(100_000).meta({
    description: "Further prefixes of the group.",
    examples: [["192.0.2.0/24", "2001:db8::/32"]],
  }),
  source: optional(prefixSource).meta({
    description:
      "Further prefixes of the group are read here at an interval. The last good copy stays in use while they cannot be " +
      "read. See docs/prefix-sources.md.",
    examples: [{ from: "https://example.net/routes.txt", format: "rpsl" }],
  }),
  max_peers_per_address: optional(integer(1, ADDRESS_LIMIT_MAX)).meta({
    description:
      "Overrides tracker.max_peers_per_address for the addresses of this group. Use a higher number if many subscribers " +
      "share an address (CGNAT).",
    examples: [256],
  }),
  reachable_from: list(text(), GROUPS_MAX).meta({
    description:
      "Groups whose clients can reach the private addresses (10.0.0.0/8, 100.64.0.0/10, fd00::/8 and similar) of this " +
      "group. These addresses are returned only to clients of this group and of the listed groups.",
    examples: [["neighboring peers"]],
  }),
});

/** The keys of the original BTRT, and our own. */
export const peerGroups = list(group, GROUPS_MAX)
  .check(distinctNames(), groupsExist())
  .meta({
    description:
      "The networks of peers. An address belongs to the group with the longest matching prefix. An address in no group " +
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
