/**
 * The gate's rules on a Linux router or bridge, in the language of nft(8), nftables 1.0. They are in the table of the
 * hash list's rules, so that a packet is looked at once: the chain at the hook finds what both look for. A handshake that
 * the gate does not refuse goes on to the chain `handshake`, which has the rules of the hash list, or none.
 */
import { carrierRules, refuseChain } from "../../hash-list/handshake-match.ts";
import { quoteName, tableName } from "../../hash-list/nftables-names.ts";
import type { Family } from "../../model/address.ts";
import type { GateHome } from "../protocol.ts";
import { GATE_COUNTERS } from "../report.ts";
import { commonChains, homeChains, PUSHED, SYN } from "./chains.ts";
import {
  ALIVE_SET,
  CUT_SECONDS,
  CUT_SIZE,
  counterName,
  cutHostsOf,
  cutSetOf,
  GATE_PREFIX,
  SET_TYPES,
} from "./nft-lists.ts";

/** Options of the rules. */
export interface GateRulesOptions {
  readonly homes: readonly GateHome[];
  /** For a bridge instead of a router. */
  readonly bridge: boolean;
  /** Count only: what would be refused is counted, and passes. */
  readonly countOnly: boolean;
}

/** Names of what is the gate's in the table. */
export interface GateObjects {
  readonly chains: readonly string[];
  readonly sets: readonly string[];
  readonly counters: readonly string[];
}

/** Elements of each set that the rules fill, and of each family, at most. What has no place passes. */
const LEARNED_SIZE = 262_144;

/**
 * Formats the rules for `nft -f`, which loads them in one transaction. They replace the gate's part of the table; its
 * counters go on, and all lists are empty. Nothing is refused before the tracker is said to be alive.
 * @param present what the table has of the gate.
 */
export function formatGateRules(options: GateRulesOptions, present: GateObjects): string {
  const { homes, bridge, countOnly } = options;
  const table = tableName(bridge);
  const hook = hookOf(bridge);
  return `${header(options)}
table ${table} {
  chain ${hook} {
    # After connection tracking, if there is any, and before the filters.
    type filter hook ${hook} priority -5; policy accept;
  }
  chain utp {
  }
  # The rules of the hash list, if they are loaded.
  chain handshake {
  }
}
${removeObjects(table, hook, present)}
table ${table} {
  # Out: sent by a subscriber.${countOnly ? " Refused: would be refused." : ""}
${GATE_COUNTERS.map((counter) => `  counter ${counterName(counter)} {\n  }`).join("\n")}

${listSets()}

  # All addresses of each home, and its subscribers.
${[...homes.map(homeSets), memberMaps(homes)].join("\n")}

${countOnly ? `  chain ${GATE_PREFIX}refuse {\n  }` : refuseChain(`${GATE_PREFIX}refuse`)}

${commonChains()}

${homes.map(homeChains).join("\n\n")}

  chain utp {
    @ih,0,8 0x41 goto ${GATE_PREFIX}st_syn
    ip saddr . th sport @${cutSetOf(4)} goto ${GATE_PREFIX}cut
    ip daddr . th dport @${cutSetOf(4)} goto ${GATE_PREFIX}cut
    ip6 saddr . th sport @${cutSetOf(6)} goto ${GATE_PREFIX}cut
    ip6 daddr . th dport @${cutSetOf(6)} goto ${GATE_PREFIX}cut
${carrierRules("udp", `${GATE_PREFIX}handshake`)}
  }

  chain ${hook} {
    # All that most packets cost.
${carrierRules("tcp", `${GATE_PREFIX}handshake`)}
    ${SYN} goto ${GATE_PREFIX}new
    ${PUSHED} goto ${GATE_PREFIX}pushed
    # uTP, version 1: ST_DATA (0x01) and ST_SYN (0x41)
    meta l4proto udp @ih,0,8 & 0xbf == 0x01 goto utp
  }
}
`;
}

/**
 * Formats the removal of the gate's part of the table; that of the hash list stays.
 * @param hasHashList whether there is any.
 */
export function formatGateRemoval(bridge: boolean, present: GateObjects, hasHashList: boolean): string {
  const table = tableName(bridge);
  if (!hasHashList) return `table ${table}\ndelete table ${table}\n`;
  const hook = hookOf(bridge);
  const counters = present.counters.map((counter) => `delete counter ${table} ${counter}`).join("\n");
  return `${removeObjects(table, hook, present)}
${counters}
table ${table} {
  chain ${hook} {
${carrierRules("tcp", "handshake")}
    meta l4proto udp @ih,0,8 0x01 goto utp
  }
  chain utp {
${carrierRules("udp", "handshake")}
  }
}
`;
}

function hookOf(bridge: boolean): string {
  return bridge ? "prerouting" : "forward";
}

function header({ homes, bridge, countOnly }: GateRulesOptions): string {
  const table = tableName(bridge);
  return [
    `# The gate: new connections between subscribers and the outside are ${countOnly ? "counted, not refused" : "refused where the tracker says so"}.`,
    `# For a ${bridge ? "bridge" : "router"}. Made by "btrt gate"; nothing outside the table "${table}" is touched.`,
    "#",
    "# Homes:",
    ...homes.map(({ id, name }) => `#   ${id}: ${quoteName(name)}`),
    "#",
    "# Look at rules and counters. Without --terse nft reads all lists, which can take minutes:",
    "#   nft --terse list ruleset",
  ].join("\n");
}

/** Empties the shared chains, and removes what is the gate's, except its counters. */
function removeObjects(table: string, hook: string, { chains, sets }: GateObjects): string {
  return [
    ...[hook, "utp", ...chains].map((chain) => `flush chain ${table} ${chain}`),
    ...sets.map((set) => `delete set ${table} ${set}`),
    ...chains.map((chain) => `delete chain ${table} ${chain}`),
  ].join("\n");
}

function listSets(): string {
  const set = (name: string, ...lines: readonly string[]) =>
    `  set ${name} {\n${lines.map((line) => `    ${line}\n`).join("")}  }`;
  const learned = (name: string, comment: string, timeout: string, type: string) =>
    ([4, 6] as const).flatMap((family, i) => [
      ...(i === 0 ? [`  # ${comment}`] : []),
      set(
        `${GATE_PREFIX}${name}${family}`,
        `type ${type.replaceAll("address", `ipv${family}_addr`)}`,
        "flags dynamic,timeout",
        `timeout ${timeout}`,
        `size ${LEARNED_SIZE}`,
      ),
    ]);
  const connection = "address . inet_service . address . inet_service";
  return [
    "  # The tracker's lists.",
    ...SET_TYPES.map(([name, type]) => set(name, type)),
    ...learned("exempt", "Subscribers whose clients insist on encryption.", "30m", "address"),
    ...learned("tried", "Subscribers who have tried encryption, and how often.", "1h", "address"),
    ...learned("watch", "Connections whose first payload is awaited.", "30s", connection),
    ...learned(
      "caught",
      "Subscribers and outside endpoints between which a handshake was refused.",
      "10m",
      "address . address . inet_service",
    ),
    "  # Endpoints of downloaders that have just been closed, and their addresses.",
    ...([4, 6] as const).flatMap((family) => {
      const limits = ["flags timeout", `timeout ${CUT_SECONDS}s`, `size ${CUT_SIZE}`];
      return [
        set(cutSetOf(family), `type ipv${family}_addr . inet_service`, ...limits),
        set(cutHostsOf(family), `type ipv${family}_addr`, ...limits),
      ];
    }),
    ...learned("judged", "Their connections that have begun with a handshake since.", "5m", connection),
    "  # The protocols, while the tracker is alive. They time out, and then nothing is refused.",
    set(ALIVE_SET, "typeof meta protocol", "flags timeout"),
  ].join("\n");
}

/** All addresses of a home. */
function homeSets({ id, inside }: GateHome): string {
  const type = (address: string) => `type ${address}`;
  return intervals("set", (family) => `${GATE_PREFIX}inside${family}_${id}`, type, inside);
}

/** Where a packet goes that is from a subscriber, and one that is to a subscriber. */
function memberMaps(homes: readonly GateHome[]): string {
  const map = (name: string, chain: string) => {
    const elements = homes.flatMap(({ id, members }) =>
      members.map((range) => `${range} : jump ${chain}_${id}`),
    );
    const type = (address: string) => `type ${address} : verdict`;
    return intervals("map", (family) => `${GATE_PREFIX}${name}${family}`, type, elements);
  };
  return `${map("from", `${GATE_PREFIX}out`)}\n${map("to", `${GATE_PREFIX}in`)}`;
}

/** A set or map of ranges for each family. */
function intervals(
  kind: "set" | "map",
  nameOf: (family: Family) => string,
  typeOf: (address: string) => string,
  elements: readonly string[],
): string {
  return ([4, 6] as const)
    .map((family) => {
      const own = elements.filter((element) => element.split(" ")[0].includes(":") === (family === 6));
      const all =
        own.length === 0 ? "" : `    elements = {\n${own.map((each) => `      ${each},\n`).join("")}    }\n`;
      return `  ${kind} ${nameOf(family)} {\n    ${typeOf(`ipv${family}_addr`)}\n    flags interval\n${all}  }`;
    })
    .join("\n");
}
