/**
 * The networks of a run: a core that routes, with the trackers in it, and a namespace for every network, behind a
 * link that is limited both ways. Every network counts what reaches it from each other one, behind its link: what the
 * link's queue drops, and is sent again, is counted once.
 *
 * Addresses are ordinary ones, which no rule for private or reserved addresses touches; nothing leaves the namespaces.
 */
import { fileURLToPath } from "node:url";
import { command, until } from "./process.ts";
import type { Site } from "./site.ts";

/** What all addresses begin with. */
const BLOCK = "11.18";
/** Where the tracker under test listens, in the core. */
export const TRACKER_HOST = `${BLOCK}.0.1`;

const DELAYED_LINK = ["/usr/bin/python3", fileURLToPath(new URL("./delayed-link.py", import.meta.url))];
const LINK_LIMIT_MS = 5000;

/** Bytes of IP and TCP header in a packet, without options but time stamps. */
const HEADER_BYTES = 52;
/** Packets up to this length carry acknowledgements and requests rather than a file. */
const CONTROL_BYTES = 200;

/** The class of packets that pass a link without its limit. */
const UNLIMITED = "1:1";

/** The parameters of a network. */
export interface NetworkSize {
  /** At most 12 letters and digits. */
  readonly name: string;
  readonly clients: number;
  /** Mbit/s of its link to the core, each way; without it, unlimited. */
  readonly uplinkMbit?: number;
  /** A network before it in the list. The link between the two is unlimited. */
  readonly peersWith?: string;
  /** Milliseconds that a packet takes between it and the core, each way. Not together with `uplinkMbit`. */
  readonly delayMs?: number;
  /** It has no clients but a service, and what it sends is not counted. */
  readonly service?: true;
}

/** A network that has been built. */
export interface Network {
  readonly name: string;
  readonly namespace: string;
  readonly cidr: string;
  /** One address for each client. */
  readonly addresses: readonly string[];
  readonly service: boolean;
}

/** Payload that one network sent to another, in bytes. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** Of these, what came over connections that the sending network opened. */
  readonly openedBySender: number;
}

/** The networks of one run. */
export class Topology {
  readonly core: string;
  readonly networks: readonly Network[];

  private constructor(core: string, networks: readonly Network[]) {
    this.core = core;
    this.networks = networks;
  }

  /** @throws Error if the machine does not allow it: it needs root, iproute2 and nftables. */
  static async build(site: Site, sizes: readonly NetworkSize[]): Promise<Topology> {
    const core = await site.addNamespace("core");
    await command(["ip", "-n", core, "addr", "add", `${TRACKER_HOST}/32`, "dev", "lo"]);
    const networks: Network[] = [];
    for (const [i, size] of sizes.entries()) networks.push(await addNetwork(site, core, size, i + 1));
    await inNamespace(core, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    const named = (name: string) => networks.find((network) => network.name === name);
    for (const { name, peersWith } of sizes) {
      const [one, other] = [named(name), named(peersWith ?? "")];
      if (one !== undefined && other !== undefined) await addPeering(core, one, other);
    }
    for (const network of networks) {
      await inNamespace(network.namespace, ["nft", "-f", "-"], countingRules(network, networks));
      // Packets merged on their way look out of window to connection tracking.
      await inNamespace(network.namespace, ["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_be_liberal=1"]);
    }
    return new Topology(core, networks);
  }

  network(name: string): Network {
    const found = this.networks.find((network) => network.name === name);
    if (found === undefined) throw new Error(`no network ${name}`);
    return found;
  }

  /** The bytes that have arrived in every network from every other one so far. */
  async flows(): Promise<Flow[]> {
    const counting = this.networks.filter(({ service }) => !service);
    return (await Promise.all(counting.map((to) => this.#flowsInto(to)))).flat();
  }

  async #flowsInto(to: Network): Promise<Flow[]> {
    const listed = await inNamespace(to.namespace, ["nft", "list", "counters"]);
    const counted = new Map<string, number>();
    for (const [, name, packets, bytes] of listed.matchAll(/counter (\S+) \{\s*packets (\d+) bytes (\d+)/g)) {
      counted.set(name, Number(bytes) - Number(packets) * HEADER_BYTES);
    }
    return others(to, this.networks).map((from) => {
      const opened = counted.get(counterName(from, "original")) ?? 0;
      const accepted = counted.get(counterName(from, "reply")) ?? 0;
      return { from: from.name, to: to.name, bytes: opened + accepted, openedBySender: opened };
    });
  }
}

async function addNetwork(site: Site, core: string, size: NetworkSize, number: number): Promise<Network> {
  const namespace = await site.addNamespace(size.name);
  const address = (host: number) => `${BLOCK}.${number}.${host}`;
  const addresses = Array.from({ length: size.clients }, (_, i) => address(i + 2));
  const link = linkName(size.name);
  if (size.delayMs === undefined) {
    const ends = { core: [link, "netns", core], network: ["uplink", "netns", namespace] };
    await command(["ip", "link", "add", ...ends.core, "type", "veth", "peer", ...ends.network]);
  } else {
    await startDelayedLink(site, [core, link, namespace, "uplink"], size.delayMs);
  }
  await command(
    ["ip", "-n", core, "-batch", "-"],
    `addr add ${address(1)}/24 dev ${link}\nlink set ${link} up\n`,
  );
  await command(
    ["ip", "-n", namespace, "-batch", "-"],
    [
      ...addresses.map((each) => `addr add ${each}/24 dev uplink`),
      "link set uplink up",
      `route add default via ${address(1)}`,
      "",
    ].join("\n"),
  );
  if (size.uplinkMbit !== undefined) {
    await limit(namespace, "uplink", size.uplinkMbit);
    await limit(core, link, size.uplinkMbit);
  }
  return { name: size.name, namespace, cidr: `${address(0)}/24`, addresses, service: size.service ?? false };
}

/** Makes a link on which every packet takes so long. @param ends twice a namespace and the name of its device. */
async function startDelayedLink(site: Site, ends: readonly string[], delayMs: number): Promise<void> {
  let ready = false;
  const hear = (line: string) => {
    ready ||= line === "ready";
  };
  const program = site.start(ends[0], [...DELAYED_LINK, String(delayMs), ...ends], hear);
  await until("the delayed link is there", () => ready || program.over, LINK_LIMIT_MS);
  if (program.over) throw new Error(`no delayed link:\n${program.lastLines}`);
}

/** Exempts traffic between two networks from their limits: clients are bound to their only link. */
async function addPeering(core: string, one: Network, other: Network): Promise<void> {
  const rule = (from: Network, to: Network, hook: string) =>
    `table ip peering {
      chain pass {
        type filter hook ${hook} priority 0
        ip saddr ${from.cidr} ip daddr ${to.cidr} meta priority set ${UNLIMITED}
      }
    }
`;
  for (const [from, to] of [
    [one, other],
    [other, one],
  ]) {
    await inNamespace(from.namespace, ["nft", "-f", "-"], rule(from, to, "postrouting"));
    await inNamespace(core, ["nft", "-f", "-"], rule(from, to, "forward"));
  }
}

/** Limits what leaves a device; a packet's priority can name the class without a limit. */
async function limit(namespace: string, device: string, mbit: number): Promise<void> {
  const at = `dev ${device}`;
  const setUp = [
    `qdisc add ${at} root handle 1: htb default 2`,
    `class add ${at} parent 1: classid ${UNLIMITED} htb rate 10gbit quantum 60000`,
    `class add ${at} parent 1: classid 1:2 htb rate 10gbit quantum 60000`,
    `qdisc add ${at} parent 1:2 tbf rate ${mbit}mbit burst 64kb latency 50ms`,
    "",
  ];
  await command(["tc", "-n", namespace, "-batch", "-"], setUp.join("\n"));
}

/** Packets are identified by their source, so packets from trackers, which are in the core, are not counted. */
function countingRules(to: Network, networks: readonly Network[]): string {
  const directions = ["original", "reply"] as const;
  const cells = others(to, networks).flatMap((from) => directions.map((way) => [from, way] as const));
  if (cells.length === 0) return "";
  const counters = cells.map((cell) => `counter ${counterName(...cell)} { }`);
  const rules = cells.map(
    ([from, way]) =>
      `ip saddr ${from.cidr} ct direction ${way} meta length > ${CONTROL_BYTES} counter name ${counterName(from, way)}`,
  );
  return `table ip lab {
    ${counters.join("\n")}
    chain arrive {
      type filter hook prerouting priority 0; policy accept;
      ${rules.join("\n")}
    }
  }`;
}

function others(to: Network, networks: readonly Network[]): Network[] {
  return networks.filter((network) => network !== to && !network.service);
}

/** In the core. Names of interfaces have at most 15 characters. */
function linkName(network: string): string {
  return `to-${network}`;
}

function counterName(from: Network, direction: "original" | "reply"): string {
  return `from_${from.name}_${direction}`;
}

async function inNamespace(namespace: string, argv: readonly string[], input = ""): Promise<string> {
  return await command(["ip", "netns", "exec", namespace, ...argv], input);
}
