/**
 * The networks of a run: a core that routes, with the trackers in it, and a namespace for every network, behind a
 * link that is limited both ways. The core counts what one network sends to another.
 *
 * Addresses are those set apart for measuring networks (RFC 2544), which no rule for private addresses touches.
 */
import { command } from "./process.ts";
import type { Site } from "./site.ts";

/** Where trackers listen, in the core. */
export const TRACKER_HOST = "198.18.0.1";

/** Bytes of IP and TCP header in a packet, without options but time stamps. */
const HEADER_BYTES = 52;
/** Packets up to this length carry acknowledgements and requests rather than a file. */
const CONTROL_BYTES = 200;

/** What is to be built of one network. */
export interface NetworkSize {
  /** At most 12 letters and digits. */
  readonly name: string;
  readonly clients: number;
  /** Mbit/s of its link to the core, each way; without it, unlimited. */
  readonly uplinkMbit?: number;
}

/** A network that has been built. */
export interface Network {
  readonly name: string;
  readonly namespace: string;
  readonly cidr: string;
  /** One for each client. */
  readonly addresses: readonly string[];
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

  /** @throws Error when the machine does not let us: it takes root, iproute2 and nftables. */
  static async build(site: Site, sizes: readonly NetworkSize[]): Promise<Topology> {
    const core = await site.addNamespace("core");
    await command(["ip", "-n", core, "addr", "add", `${TRACKER_HOST}/32`, "dev", "lo"]);
    const networks: Network[] = [];
    for (const [i, size] of sizes.entries()) networks.push(await addNetwork(site, core, size, i + 1));
    await inNamespace(core, ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    await inNamespace(core, ["nft", "-f", "-"], countingRules(networks));
    // Packets merged on their way look to connection tracking as if they were out of their window.
    await inNamespace(core, ["sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_be_liberal=1"]);
    return new Topology(core, networks);
  }

  network(name: string): Network {
    const found = this.networks.find((network) => network.name === name);
    if (found === undefined) throw new Error(`no network ${name}`);
    return found;
  }

  /** What every network has sent to every other one so far. */
  async flows(): Promise<Flow[]> {
    const listed = await inNamespace(this.core, ["nft", "list", "counters"]);
    const counted = new Map<string, number>();
    for (const [, name, packets, bytes] of listed.matchAll(/counter (\S+) \{\s*packets (\d+) bytes (\d+)/g)) {
      counted.set(name, Number(bytes) - Number(packets) * HEADER_BYTES);
    }
    return pairs(this.networks).map(([from, to]) => {
      const opened = counted.get(counterName(from, to, "original")) ?? 0;
      const accepted = counted.get(counterName(from, to, "reply")) ?? 0;
      return { from, to, bytes: opened + accepted, openedBySender: opened };
    });
  }
}

async function addNetwork(site: Site, core: string, size: NetworkSize, number: number): Promise<Network> {
  const namespace = await site.addNamespace(size.name);
  const address = (host: number) => `198.18.${number}.${host}`;
  const addresses = Array.from({ length: size.clients }, (_, i) => address(i + 2));
  const link = linkName(size.name);
  const ends = { core: [link, "netns", core], network: ["uplink", "netns", namespace] };
  await command(["ip", "link", "add", ...ends.core, "type", "veth", "peer", ...ends.network]);
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
    const limit = ["root", "tbf", "rate", `${size.uplinkMbit}mbit`, "burst", "64kb", "latency", "50ms"];
    await command(["tc", "-n", namespace, "qdisc", "add", "dev", "uplink", ...limit]);
    await command(["tc", "-n", core, "qdisc", "add", "dev", link, ...limit]);
  }
  return { name: size.name, namespace, cidr: `${address(0)}/24`, addresses };
}

/** Only forwarded packets are counted, so nothing that trackers, being in the core, send or get. */
function countingRules(networks: readonly Network[]): string {
  const directions = ["original", "reply"] as const;
  const cells = pairs(networks).flatMap(([from, to]) => directions.map((way) => [from, to, way] as const));
  const counters = cells.map((cell) => `counter ${counterName(...cell)} { }`);
  const map = cells.map(
    ([from, to, way]) => `"${linkName(from)}" . "${linkName(to)}" . ${way} : "${counterName(from, to, way)}"`,
  );
  return `table ip lab {
    ${counters.join("\n")}
    chain forward {
      type filter hook forward priority 0; policy accept;
      meta length > ${CONTROL_BYTES} counter name iifname . oifname . ct direction map { ${map.join(", ")} }
    }
  }`;
}

function pairs(networks: readonly Network[]): [from: string, to: string][] {
  const names = networks.map(({ name }) => name);
  return names.flatMap((from) => names.filter((to) => to !== from).map((to): [string, string] => [from, to]));
}

/** In the core. Names of interfaces have at most 15 characters. */
function linkName(network: string): string {
  return `to-${network}`;
}

function counterName(from: string, to: string, direction: "original" | "reply"): string {
  return `${from}_${to}_${direction}`;
}

async function inNamespace(namespace: string, argv: readonly string[], input = ""): Promise<string> {
  return await command(["ip", "netns", "exec", namespace, ...argv], input);
}
