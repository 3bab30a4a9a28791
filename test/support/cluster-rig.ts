/** Real trackers and real nats-servers that form a cluster, on the loopback or as sites in network namespaces. */
import { writeFile } from "node:fs/promises";
import { askAdmin } from "./ask-admin.ts";
import { type Bed, until } from "./bed.ts";
import type { CrowdPlan } from "./crowd/protocol.ts";
import { freePort } from "./free-port.ts";
import { NATS_TOOLS, type NatsServer, startNats } from "./nats.ts";
import { fetchIn, Internet, type Network } from "./networks.ts";
import { nft } from "./nftables.ts";
import { SECURED_NATS_TOOLS, startSecuredNats } from "./secured-nats.ts";
import type { Tool } from "./tools.ts";
import { TrackerProcess } from "./tracker-process.ts";

/** The packages that a rig needs. With sites, also the next ones. */
export const RIG_TOOLS: readonly Tool[] = NATS_TOOLS;
/** What a rig with several sites needs besides. */
export const SITES_TOOLS: readonly Tool[] = [...SECURED_NATS_TOOLS, "iproute2", "nftables"];

const PORT = 6969;
const ADMIN_PORT = 7070;
const APART = "inet apart";

/** What a cluster is made of. */
export interface RigPlan {
  /**
   * The number of nodes of each site. One site is on the loopback. Several are networks, with the servers of
   * `btrt init --cluster`.
   */
  readonly sites: readonly number[];
  /** Further keys of the trackers' configuration, by section. */
  readonly keys?: { readonly [section: string]: object };
}

interface RigNode {
  readonly name: string;
  readonly site: number;
  readonly host: string;
  readonly port: number;
  readonly adminPort: number;
  readonly server: NatsServer;
  /** Its section `cluster`, but for name and site. */
  readonly cluster: object;
}

/** What the status of a node says that tests look at. */
interface RigStatus {
  readonly state: string;
  readonly nodes: readonly {
    readonly state: string;
    readonly lastHeardSeconds: number;
    readonly lost: number;
    readonly fetched: number;
  }[];
  readonly refused: readonly { readonly reason: string; readonly count: number }[];
}

/** A cluster, whose trackers and servers can be killed and started again, and whose sites can be cut apart. */
export class ClusterRig {
  readonly trackers: TrackerProcess[] = [];
  /** The namespace that routes between sites; undefined if there is one site. Clients are here. */
  readonly core: string | undefined;
  readonly nodes: readonly RigNode[];
  readonly #bed: Bed;
  readonly #plan: RigPlan;
  readonly #networks: readonly Network[];

  private constructor(
    bed: Bed,
    plan: RigPlan,
    nodes: readonly RigNode[],
    networks: readonly Network[],
    core?: string,
  ) {
    this.#bed = bed;
    this.#plan = plan;
    this.nodes = nodes;
    this.#networks = networks;
    this.core = core;
  }

  /** Starts servers and trackers, and waits until all know each other. */
  static async start(bed: Bed, plan: RigPlan): Promise<ClusterRig> {
    const rig = plan.sites.length === 1 ? await onLoopback(bed, plan) : await inNetworks(bed, plan);
    const built = new ClusterRig(bed, plan, rig.nodes, rig.networks, rig.core);
    await Promise.all(rig.nodes.map((_, i) => built.run(i)));
    await built.live();
    return built;
  }

  /** The trackers of a crowd's plan. */
  get crowdTrackers(): CrowdPlan["trackers"] {
    return this.nodes.map(({ host, port, site }) => ({ url: `http://${host}:${port}/announce`, site }));
  }

  /**
   * Starts a tracker, at first or again, and waits until it is ready.
   * @param by a command that prepares its process (TrackerProcess).
   */
  async run(i: number, by: readonly string[] = []): Promise<void> {
    const { name, host, port, adminPort, site, cluster } = this.nodes[i];
    const { tracker, ...keys } = this.#plan.keys ?? {};
    const config = {
      workers: 1,
      listen: { http: [`${host}:${port}`], udp: [] },
      admin: { listen: `127.0.0.1:${adminPort}` },
      tracker: {
        ip_parameter: ["127.0.0.0/8", "198.19.0.0/16"],
        numwant_max: 1000,
        max_peers: 100_000,
        max_peers_per_address: 1000,
        ...tracker,
      },
      peer_groups: [{ name: "home", priority: 0, cidr_list: ["10.0.0.0/8", "11.0.0.0/8"] }],
      // Every peer is returned, if there are not too many.
      selection: { policy: "nearest" },
      database: { url: `sqlite:${this.databaseOf(i)}` },
      cluster: { node: name, site: siteName(site), ...cluster },
      ...keys,
    };
    const within = this.#networks.length === 0 ? {} : { namespace: this.#networks[site].namespace };
    // JSON is YAML. The helper looks for a line with the admin listener.
    const text = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    this.trackers[i] = await TrackerProcess.start(this.#bed, text.join(""), { name, by, ...within });
  }

  /** The file of a tracker's database. */
  databaseOf(i: number): string {
    return this.#bed.path(`${this.nodes[i].name}.db`);
  }

  /** Kills a tracker as a power failure would. @returns when, in milliseconds since 1970. */
  async kill(i: number): Promise<number> {
    const at = Date.now();
    await this.trackers[i].process.stop("SIGKILL");
    return at;
  }

  /** Cuts the sites apart: packets between them are lost. */
  cut(): void {
    if (this.core === undefined) throw new Error("there is one site");
    const chain = "chain pass {\ntype filter hook forward priority 0; policy drop;\n}";
    const table = `table ${APART} {\n${chain}\n}\n`;
    nft(this.core, ["-f", "-"], table);
  }

  /** Lets packets pass again. */
  heal(): void {
    if (this.core !== undefined) nft(this.core, ["delete", "table", ...APART.split(" ")]);
  }

  /** What a node says of the cluster. @throws Error if it does not answer */
  async status(i: number): Promise<RigStatus> {
    const { site, adminPort } = this.nodes[i];
    const url = `http://127.0.0.1:${adminPort}/api/v1/status`;
    const network = this.#networks[site];
    const text =
      network === undefined ? (await askAdmin(url)).body : await fetchIn(this.#bed, network.namespace, url);
    return JSON.parse(text).cluster;
  }

  /** Waits until each node has caught up, and hears all others. */
  async live(): Promise<void> {
    for (const [i, { name }] of this.nodes.entries())
      await until(`${name} has caught up`, async () => {
        const { state, nodes } = await this.status(i);
        const isComplete = nodes.length === this.nodes.length;
        return state === "current" && isComplete && nodes.every((node) => node.state === "live");
      });
  }
}

interface Built {
  readonly nodes: readonly RigNode[];
  readonly networks: readonly Network[];
  readonly core?: string;
}

function siteName(site: number): string {
  return `site${site + 1}`;
}

async function onLoopback(bed: Bed, { sites: [count] }: RigPlan): Promise<Built> {
  const servers = await startNats(bed, { servers: count });
  const secret_file = bed.path("secret");
  await writeFile(secret_file, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  const nodes: RigNode[] = [];
  for (const [i, server] of servers.entries()) {
    const [port, adminPort] = [await freePort(), await freePort()];
    const cluster = { servers: [server.url], secret_file };
    nodes.push({ name: `n${i + 1}`, site: 0, host: "127.0.0.1", port, adminPort, server, cluster });
  }
  return { nodes, networks: [] };
}

async function inNetworks(bed: Bed, { sites }: RigPlan): Promise<Built> {
  const internet = new Internet(bed);
  const networks = sites.map((_, site) => internet.addNetwork(siteName(site), [`${netOf(site)}.0/24`]));
  const places = sites.flatMap((count, site) =>
    Array.from({ length: count }, (_, i) => ({
      site,
      host: `${netOf(site)}.${i + 1}`,
      namespace: networks[site].namespace,
    })),
  );
  const names = places.map(({ site }, i) => `n${i + 1}@${siteName(site)}`);
  const secured = await startSecuredNats(bed, names, places);
  const nodes = secured.map(({ name, server, files }, i) => ({
    name,
    site: places[i].site,
    host: places[i].host,
    port: PORT,
    adminPort: ADMIN_PORT + i,
    server,
    cluster: { servers: [server.tlsUrl], ...files },
  }));
  return { nodes, networks, core: internet.core };
}

function netOf(site: number): string {
  return `203.0.${113 + site}`;
}
