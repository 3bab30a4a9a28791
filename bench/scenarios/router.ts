/** The cost of the rules of `btrt nftables` and `btrt gate` for each packet that a router forwards. */
import { randomBytes } from "node:crypto";
import { ELEMENTS_PER_TRANSACTION, elementUpdate, renewal } from "../../src/gate/router/nft-lists.ts";
import { formatGateRules } from "../../src/gate/router/ruleset.ts";
import { tableName } from "../../src/hash-list/nftables-names.ts";
import { formatRuleset } from "../../src/hash-list/nftables-ruleset.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import type { Flood } from "../load/flood.ts";
import { gateLists } from "../load/gate-lists.ts";
import { OUTSIDE, RouterNetwork } from "../load/router-network.ts";
import type { Setting } from "../setting.ts";
import { ratioOf, spreadOf } from "../statistics.ts";
import { formatSpread, type Table } from "../table.ts";

const BURSTS = 40;
const BURST = 1024;
const LISTED = 100_000;
const PREFIXES = 1000;
/** Elements of the gate's lists. */
const GATED = 1_000_000;

const HANDSHAKE = `${Buffer.from("\x13BitTorrent protocol", "latin1").toString("hex")}${"00".repeat(8)}${"11".repeat(20)}`;

/** The prefixes of all subscribers. */
const SUBSCRIBERS = [
  "203.0.113.0/24",
  ...Array.from({ length: PREFIXES - 1 }, (_, i) => `10.${i >> 6}.${(i & 63) << 2}.0/23`),
];

type Packet = Pick<Flood, "protocol" | "bytes" | "begins" | "flags">;

const PACKET_KINDS: Readonly<Record<string, Packet>> = {
  "TCP, 1400 bytes of data": { protocol: "tcp", bytes: 1400, begins: "00" },
  "TCP, no data": { protocol: "tcp", bytes: 0, begins: "" },
  "UDP, 1200 bytes": { protocol: "udp", bytes: 1200, begins: "c0" },
  "uTP, 1400 bytes of data": { protocol: "udp", bytes: 1400, begins: "0100" },
  "TCP, a handshake that is not listed": { protocol: "tcp", bytes: 68, begins: HANDSHAKE },
  "TCP, a new connection": { protocol: "tcp", bytes: 0, begins: "", flags: 0x02 },
  "uTP, a new connection": { protocol: "udp", bytes: 20, begins: "4100" },
};

/** @returns one table. */
export async function measureRouter({ cores, rounds, quick }: Setting): Promise<Table> {
  const chain = (rule: string) =>
    `table inet other {\nchain c {\ntype filter hook forward priority 0; policy accept;\n${rule}\n}\n}\n`;
  const nftables = makeRules();
  const rules: Readonly<Record<string, Iterable<string>>> = {
    none: [],
    "an empty chain": [chain("")],
    "btrt nftables": [nftables],
    "btrt nftables and gate": [nftables, ...makeGate(quick ? GATED / 100 : GATED)],
    "connection tracking": [chain("ct state established accept")],
  };
  const networks = new Map<string, RouterNetwork>();
  const taken = new Map<string, number[]>();
  try {
    for (const [name, texts] of Object.entries(rules)) {
      const network = new RouterNetwork();
      networks.set(name, network);
      for (const text of texts) network.load(text);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [name, network] of networks) {
        for (const [kind, packet] of Object.entries(PACKET_KINDS)) {
          const bursts = quick ? BURSTS / 20 : BURSTS;
          const ns = network.flood({ ...packet, to: OUTSIDE, bursts, burst: BURST }, cores.at(-1) ?? 0);
          taken.set(`${kind} ${name}`, [...(taken.get(`${kind} ${name}`) ?? []), ns]);
        }
      }
    }
  } finally {
    for (const network of networks.values()) network.remove();
  }
  const [none, ...others] = Object.keys(rules);
  const rows = Object.keys(PACKET_KINDS).map((kind) => {
    const without = taken.get(`${kind} ${none}`)!;
    const ratios = others.map((name) => formatSpread(ratioOf(taken.get(`${kind} ${name}`)!, without), 2));
    return [kind, formatSpread(spreadOf(without), 0), ...ratios];
  });
  return {
    title: "A router's work per packet",
    notes: [
      "One core sends a packet through a router in a namespace of its own to somebody who drops it: its time is that of all three.",
      `The rules have ${PREFIXES} prefixes and ${LISTED} listed torrents; the gate's lists have ${GATED} elements.`,
      "Without rules in ns, with them as multiples of that.",
    ],
    columns: ["packet", "no rules, ns", ...others.map((name) => `with ${name}`)],
    rows,
  };
}

/** The rules of the hash list, with as many prefixes and torrents as a large operator has. */
function makeRules(): string {
  const ruleset = formatRuleset({
    groups: [
      {
        name: "operator",
        priority: 0,
        prefixes: SUBSCRIBERS.map((text) => parsePrefix(text).prefix),
        reachableFrom: [],
      },
    ],
    tiers: 1,
    intervalSeconds: 600,
    maxEntries: LISTED,
    bridge: false,
    countOnly: false,
  });
  const hashes = Array.from({ length: LISTED }, () => {
    const hex = randomBytes(20).toString("hex");
    return `0x${hex.slice(0, 32)} . 0x${hex.slice(32)}`;
  });
  return `${ruleset}add element inet btrt hashes { ${hashes.join(", ")} }\n`;
}

/** The rules and lists of the gate. The subscriber that sends is not in a list, so that nothing is refused. */
function* makeGate(elements: number): Generator<string> {
  const [homes, table] = [
    [{ id: 1, name: "operator", members: SUBSCRIBERS, inside: SUBSCRIBERS }],
    tableName(false),
  ];
  const options = { homes, bridge: false, countOnly: false };
  yield formatGateRules(options, { chains: [], sets: [], counters: [] });
  for (const add of gateLists(elements, ELEMENTS_PER_TRANSACTION)) yield elementUpdate(table, add, {});
  yield renewal(table, 3600);
}
