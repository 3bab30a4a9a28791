/** The cost of the rules of `btrt nftables` for each packet that a router forwards. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { formatRuleset } from "../../src/hash-list/nftables-ruleset.ts";
import { parsePrefix } from "../../src/network/prefix.ts";
import type { Flood } from "../load/flood.ts";
import type { Setting } from "../setting.ts";
import { ratioOf, spreadOf } from "../statistics.ts";
import { formatSpread, type Table } from "../table.ts";

const FLOOD = fileURLToPath(new URL("../load/flood.ts", import.meta.url));
const BURSTS = 40;
const BURST = 1024;
const LISTED = 100_000;
const PREFIXES = 1000;

/**
 * The address of the subscriber, those of the router on both sides, and an outside address from which nothing replies.
 */
const SUBSCRIBER = "203.0.113.10";
const GATEWAY = "203.0.113.1";
const UPLINK = "198.51.100.1";
const OUTSIDE = "198.51.100.10";
const OUTSIDE_LINK = "02:00:00:00:00:0b";

const HANDSHAKE = `${Buffer.from("\x13BitTorrent protocol", "latin1").toString("hex")}${"00".repeat(8)}${"11".repeat(20)}`;

type Packet = Pick<Flood, "protocol" | "bytes" | "begins">;

const PACKET_KINDS: Readonly<Record<string, Packet>> = {
  "TCP, 1400 bytes of data": { protocol: "tcp", bytes: 1400, begins: "00" },
  "TCP, no data": { protocol: "tcp", bytes: 0, begins: "" },
  "UDP, 1200 bytes": { protocol: "udp", bytes: 1200, begins: "c0" },
  "uTP, 1400 bytes of data": { protocol: "udp", bytes: 1400, begins: "0100" },
  "TCP, a handshake that is not listed": { protocol: "tcp", bytes: 68, begins: HANDSHAKE },
};

/** @returns one table. */
export async function measureRouter({ cores, rounds, quick }: Setting): Promise<Table> {
  const chain = (rule: string) =>
    `table inet other {\nchain c {\ntype filter hook forward priority 0; policy accept;\n${rule}\n}\n}\n`;
  const rules: Readonly<Record<string, string>> = {
    none: "",
    "an empty chain": chain(""),
    "btrt nftables": makeRules(),
    "connection tracking": chain("ct state established accept"),
  };
  const network = new RouterNetwork();
  const taken = new Map<string, number[]>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [name, text] of Object.entries(rules)) {
        network.load(text);
        for (const [kind, packet] of Object.entries(PACKET_KINDS)) {
          const bursts = quick ? BURSTS / 20 : BURSTS;
          const ns = network.flood({ ...packet, to: OUTSIDE, bursts, burst: BURST }, cores.at(-1) ?? 0);
          taken.set(`${kind} ${name}`, [...(taken.get(`${kind} ${name}`) ?? []), ns]);
        }
      }
    }
  } finally {
    network.remove();
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
      `The rules have ${PREFIXES} prefixes and ${LISTED} listed torrents. Without rules in ns, with them as multiples of that.`,
    ],
    columns: ["packet", "no rules, ns", ...others.map((name) => `with ${name}`)],
    rows,
  };
}

/** The rules, with as many prefixes and torrents as a large operator has. */
function makeRules(): string {
  const prefixes = Array.from({ length: PREFIXES - 1 }, (_, i) => `10.${i >> 6}.${(i & 63) << 2}.0/23`);
  const ruleset = formatRuleset({
    groups: [
      {
        name: "operator",
        priority: 0,
        prefixes: ["203.0.113.0/24", ...prefixes].map((text) => parsePrefix(text).prefix),
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

/** A subscriber, a router and an outside host, in network namespaces. */
class RouterNetwork {
  readonly #names = ["subscriber", "router", "outside"].map((name) => `btrt-bench-${process.pid}-${name}`);

  constructor() {
    const [subscriber, router, outside] = this.#names;
    for (const name of this.#names) ip(`netns add ${name}`);
    process.once("exit", () => this.remove());
    ip(`-n ${router} link add lan type veth peer name lan netns ${subscriber}`);
    ip(`-n ${router} link add wan type veth peer name wan netns ${outside}`);
    ip(`-n ${outside} link set wan address ${OUTSIDE_LINK} up`);
    for (const [name, device] of [
      [subscriber, "lan"],
      [router, "lan"],
      [router, "wan"],
    ]) {
      ip(`-n ${name} link set ${device} up`);
    }
    ip(`-n ${subscriber} addr add ${SUBSCRIBER}/24 dev lan`);
    ip(`-n ${subscriber} route add default via ${GATEWAY}`);
    ip(`-n ${router} addr add ${GATEWAY}/24 dev lan`);
    ip(`-n ${router} addr add ${UPLINK}/24 dev wan`);
    ip(`-n ${router} neigh add ${OUTSIDE} lladdr ${OUTSIDE_LINK} dev wan`);
    ip(`netns exec ${router} sysctl -qw net.ipv4.ip_forward=1`);
  }

  /** Replaces all rules of the router. */
  load(ruleset: string): void {
    const args = ["netns", "exec", this.#names[1], "nft", "-f", "-"];
    execFileSync("ip", args, { input: `flush ruleset\n${ruleset}` });
  }

  /** @returns nanoseconds per packet. @throws Error if packets are lost, because lost packets cost less. */
  flood(flood: Flood, core: number): number {
    const command = ["taskset", "-c", String(core), process.execPath, FLOOD, JSON.stringify(flood)];
    const before = this.#arrived();
    const ns = Number(
      execFileSync("ip", ["netns", "exec", this.#names[0], ...command], { encoding: "utf8" }),
    );
    const lost = flood.bursts * flood.burst - (this.#arrived() - before);
    if (lost > 0) throw new Error(`${lost} packets were lost`);
    return ns;
  }

  #arrived(): number {
    const [{ stats64 }] = JSON.parse(ip(`-n ${this.#names[2]} -j -s link show wan`));
    return stats64.rx.packets;
  }

  remove(): void {
    for (const name of this.#names.splice(0)) ip(`netns del ${name}`);
  }
}

function ip(words: string): string {
  return execFileSync("ip", words.split(" "), { encoding: "utf8" });
}
