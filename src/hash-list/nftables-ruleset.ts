/**
 * The rules with which a Linux router or bridge applies the hash list: BitTorrent handshakes between a subscriber and the
 * outside are counted, and refused for listed torrents. In the language of nft(8), nftables 1.0.
 */
import { type AddressRange, findRanges, formatRange } from "../network/address-ranges.ts";
import { buildPeerGroups, NO_GROUP, type PeerGroupDefinition } from "../network/peer-groups.ts";
import { carrierRules, infoHashRules, refuseChain } from "./handshake-match.ts";
import { NFT_SET, NFT_SET_TYPE, NFT_TABLE, quoteName, tableName } from "./nftables-names.ts";

/** Options of the rules. */
export interface RulesetOptions {
  readonly groups: readonly PeerGroupDefinition[];
  /** `hashlist.tiers`: the priorities whose members are subscribers, from the nearest on. */
  readonly tiers: number;
  /** Seconds from one list to the next. */
  readonly intervalSeconds: number;
  /** The maximum of torrents on the list. */
  readonly maxEntries: number;
  /** For a bridge instead of a router. */
  readonly bridge: boolean;
  /** Count only: handshakes that would be refused are counted, and pass. */
  readonly countOnly: boolean;
}

/** Whether any address belongs to a subscriber. If none does, the rules match nothing. */
export function hasSubscribers({ groups, tiers }: Pick<RulesetOptions, "groups" | "tiers">): boolean {
  const { subscribers } = placeAddresses(groups, tiers);
  return subscribers[4].length + subscribers[6].length > 0;
}

/**
 * Formats the rules for `nft -f`, which replaces the table in one transaction. Group names appear only in comments, as
 * JSON, so that no name can end its line.
 */
export function formatRuleset(options: RulesetOptions): string {
  const { intervalSeconds, maxEntries, bridge, countOnly } = options;
  const table = tableName(bridge);
  const hook = bridge ? "prerouting" : "forward";
  return `${header(options)}
table ${table}
delete table ${table}
table ${table} {
  # Handshakes seen, and of these ${countOnly ? "those that would be refused" : "the refused ones"}. Outgoing: sent by a subscriber.
${["outgoing", "incoming"].map((way) => `  counter seen_${way} {\n  }\n  counter refused_${way} {\n  }`).join("\n")}

${addressSets(options)}

  # The info-hashes of the list: their first 16 bytes and their last 4, as an expression has at most 128 bits. What is
  # not loaded again within two intervals is forgotten: when the tracker has died, nothing is refused.
  set ${NFT_SET} {
    ${NFT_SET_TYPE}
    flags timeout
    timeout ${2 * intervalSeconds}s
    size ${maxEntries}
  }

  chain ${hook} {
    # After connection tracking, if there is any, and before the filters.
    type filter hook ${hook} priority -5; policy accept;

    # All that most packets cost is one look at the first bytes of their payload (@ih), wherever TCP's options end.
    # Connections need not be tracked, so the ways out and back may lead through different routers.
${carrierRules("tcp", "handshake")}
    # uTP: ST_DATA, version 1
    meta l4proto udp @ih,0,8 0x01 goto utp
  }

  chain utp {
${carrierRules("udp", "handshake")}
  }

  chain handshake {
${directionRules()}
  }

${directionChain("outgoing", countOnly)}

${directionChain("incoming", countOnly)}
${countOnly ? "" : `\n${refuseChain("refuse")}\n`}}
`;
}

function header({ groups, tiers, intervalSeconds, bridge, countOnly }: RulesetOptions): string {
  const near = new Set(prioritiesOf(groups).slice(0, tiers));
  const list = (wanted: (group: PeerGroupDefinition) => boolean) =>
    groups.filter(wanted).map(({ name }) => `#   ${quoteName(name)}`);
  const partners = list(({ priority }) => !near.has(priority));
  const table = tableName(bridge);
  return [
    `# BitTorrent handshakes of subscribers with the outside: ${countOnly ? "counted, not refused" : "counted, and refused for listed torrents"}.`,
    `# For a ${bridge ? "bridge" : "router"}. Made by "btrt nftables"; nothing outside the table "${table}" is touched.`,
    "#",
    "# Subscribers are the members of these peer groups:",
    ...list(({ priority }) => near.has(priority)),
    ...(partners.length > 0 ? ["# Neither subscribers nor outside; not filtered:", ...partners] : []),
    "#",
    `# Load the list, once a minute (a list is made every ${intervalSeconds} s):`,
    `#   btrt hashlist --format nftables${bridge ? ` | sed 's/${NFT_TABLE}/${table}/'` : ""} | nft -f -`,
    "# Look at the counters, and at what is loaded:",
    `#   nft list counters table ${table}`,
    `#   nft list set ${table} ${NFT_SET}`,
    "# Undo everything:",
    `#   nft delete table ${table}`,
    "#",
    "# Not seen: encrypted handshakes (MSE/PE, which most clients can do and some insist on), whatever is in a tunnel,",
    "# WebTorrent, a handshake that is cut in two before its 48th byte, packets that are fragments, and those that",
    "# hardware or a flowtable passes on beside the rules. Such connections are neither counted nor refused.",
  ].join("\n");
}

/** Interval sets of subscribers, and of all addresses in peer groups. */
function addressSets({ groups, tiers }: RulesetOptions): string {
  const { subscribers, inside } = placeAddresses(groups, tiers);
  const set = (name: string, type: string, ranges: readonly AddressRange[]) => {
    const elements = ranges.map((range) => `      ${formatRange(range)},\n`).join("");
    const all = elements === "" ? "" : `    elements = {\n${elements}    }\n`;
    return `  set ${name} {\n    type ${type}\n    flags interval\n${all}  }`;
  };
  return [
    "  # By longest prefix, as the tracker sees them: a group inside another one's prefix keeps its own addresses.",
    set("subscribers4", "ipv4_addr", subscribers[4]),
    set("subscribers6", "ipv6_addr", subscribers[6]),
    "  # All peer groups; every other address is outside.",
    set("inside4", "ipv4_addr", inside[4]),
    set("inside6", "ipv6_addr", inside[6]),
  ].join("\n");
}

function placeAddresses(groups: readonly PeerGroupDefinition[], tiers: number) {
  const { table, tierOf } = buildPeerGroups(groups);
  const isInside = (group: number) => group !== NO_GROUP;
  const isSubscriber = (group: number) => isInside(group) && tierOf[group] < tiers;
  return {
    subscribers: { 4: findRanges(table, 4, isSubscriber), 6: findRanges(table, 6, isSubscriber) },
    inside: { 4: findRanges(table, 4, isInside), 6: findRanges(table, 6, isInside) },
  };
}

function prioritiesOf(groups: readonly PeerGroupDefinition[]): number[] {
  return [...new Set(groups.map(({ priority }) => priority))].sort((a, b) => a - b);
}

/** Rules for both directions. Packets between two inside addresses, or two outside addresses, match none and pass. */
function directionRules(): string {
  return ["4", "6"]
    .flatMap((family) => {
      const ip = family === "4" ? "ip" : "ip6";
      return [
        `    ${ip} saddr @subscribers${family} ${ip} daddr != @inside${family} goto outgoing`,
        `    ${ip} daddr @subscribers${family} ${ip} saddr != @inside${family} goto incoming`,
      ];
    })
    .join("\n");
}

function directionChain(way: "outgoing" | "incoming", countOnly: boolean): string {
  const rules = infoHashRules(
    "",
    `@${NFT_SET} counter name refused_${way}${countOnly ? "" : " goto refuse"}`,
  );
  return `  chain ${way} {\n    counter name seen_${way}\n${rules.map((rule) => `    ${rule}\n`).join("")}  }`;
}
