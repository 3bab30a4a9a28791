/**
 * The rules with which a Linux router or bridge applies the hash list: BitTorrent handshakes between a subscriber and the
 * outside are counted, and refused for listed torrents. In the language of nft(8), nftables 1.0.
 *
 * A handshake (BEP 3) is 19, "BitTorrent protocol", 8 reserved bytes, the info-hash. It is the first payload of either
 * side over TCP, and over uTP (BEP 29) the payload of its first ST_DATA packet, behind a header of 20 bytes that may
 * have extensions.
 */
import { type AddressRange, findRanges, formatRange } from "../network/address-ranges.ts";
import { buildPeerGroups, NO_GROUP, type PeerGroupDefinition } from "../network/peer-groups.ts";
import { NFT_SET, NFT_SET_TYPE, NFT_TABLE } from "./nftables-names.ts";

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

/** A position of a handshake in the payload of TCP or UDP. */
interface Carrier {
  readonly name: string;
  readonly transport: "tcp" | "udp";
  /** An expression that matches only this carrier among those of the transport, or "". */
  readonly match: string;
  /** Bytes before the handshake. */
  readonly offset: number;
}

const CARRIERS: readonly Carrier[] = [
  { name: "TCP", transport: "tcp", match: "", offset: 0 },
  { name: "no extension", transport: "udp", match: "@ih,8,8 0", offset: 20 },
  {
    name: "one extension of 4 bytes: a short selective ack",
    transport: "udp",
    match: "@ih,8,8 != 0 @ih,160,16 0x0004",
    offset: 26,
  },
  {
    name: "one extension of 8 bytes: extension bits, a longer selective ack",
    transport: "udp",
    match: "@ih,8,8 != 0 @ih,160,16 0x0008",
    offset: 30,
  },
];

const PROTOCOL = Buffer.from("\x13BitTorrent protocol", "latin1").toString("hex");
const INFO_HASH_OFFSET = 28;

const REFUSE_CHAIN = `
  # A client that is reset tries another peer at once. A reset of uTP holds what only the two ends know.
  chain refuse {
    meta l4proto tcp reject with tcp reset
    drop
  }
`;

/** Characters of a group's name in comments. */
const NAME_LENGTH = 60;

/** Family and name of the table that has all rules. */
export function tableName(bridge: boolean): string {
  return bridge ? NFT_TABLE.replace("inet", "bridge") : NFT_TABLE;
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
${carrierRules("tcp")}
    # uTP: ST_DATA, version 1
    meta l4proto udp @ih,0,8 0x01 goto utp
  }

  chain utp {
${carrierRules("udp")}
  }

  chain handshake {
${directionRules()}
  }

${directionChain("outgoing", countOnly)}

${directionChain("incoming", countOnly)}
${countOnly ? "" : REFUSE_CHAIN}}
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

/** A name as JSON, without characters that end or hide a line. */
function quoteName(name: string): string {
  const shown = name.length > NAME_LENGTH ? `${name.slice(0, NAME_LENGTH)}…` : name;
  return JSON.stringify(shown).replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
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

/** Rules that match handshakes of one transport. */
function carrierRules(wanted: "tcp" | "udp"): string {
  return CARRIERS.filter(({ transport }) => transport === wanted)
    .map(({ name, match, offset }) => {
      const [first, rest] = [8 * offset, 8 * offset + 128];
      const protocol = `@ih,${first},128 0x${PROTOCOL.slice(0, 32)} @ih,${rest},32 0x${PROTOCOL.slice(32)}`;
      const before = wanted === "tcp" ? "meta l4proto tcp" : match;
      return `    # ${name}\n    ${before} ${protocol} goto handshake`;
    })
    .join("\n");
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
  const refuse = countOnly ? "" : " goto refuse";
  const rules = CARRIERS.map(({ transport, match, offset }) => {
    const words = ["meta l4proto", transport, match, infoHashAt(offset), `@${NFT_SET}`].filter(Boolean);
    return `    ${words.join(" ")} counter name refused_${way}${refuse}`;
  });
  return `  chain ${way} {\n    counter name seen_${way}\n${rules.join("\n")}\n  }`;
}

/** The info-hash of a handshake that starts `offset` bytes into the payload. */
function infoHashAt(offset: number): string {
  const bit = 8 * (offset + INFO_HASH_OFFSET);
  return `@ih,${bit},128 . @ih,${bit + 128},32`;
}
