/** What a run's clients ask: the tracker under test, perhaps a public one and a hash table, and the gate. */
import { writeFile } from "node:fs/promises";
import type { Program } from "./process.ts";
import { type ClientSettings, clientCount, type Scenario } from "./scenario.ts";
import type { Site } from "./site.ts";
import { type NetworkSize, type Topology, TRACKER_HOST } from "./topology.ts";
import {
  announceUrl,
  PORTS,
  type Settings,
  startBtrt,
  startCluster,
  startDhtNode,
  startGate,
  startOpentracker,
  type TrackerName,
} from "./trackers.ts";

/** The network of the public tracker. */
const PUBLIC = "public";
/** Milliseconds from the core to the public tracker, where networks outside have a delay. */
const PUBLIC_DELAY_MS = 30;

/** What is started. */
export interface ServicesPlan {
  readonly scenario: Scenario;
  readonly tracker: TrackerName;
  readonly settings: ClientSettings;
  /** Directory of the BTRT that is measured. */
  readonly tree: string;
  /** Sections of BTRT's configuration of which keys are tried. */
  readonly tried: { readonly [section: string]: Settings };
  /** The torrent that the run is about, and perhaps the second. */
  readonly infoHashes: readonly string[];
}

/** The networks of a scenario, and the public tracker's. */
export function networkSizes({ networks }: Scenario, { publicTracker }: ClientSettings): NetworkSize[] {
  const sizes = networks.map((plan) => ({ ...plan, clients: clientCount(plan) }));
  if (!publicTracker) return sizes;
  const isFar = networks.some(({ delayMs }) => delayMs !== undefined);
  const far = isFar ? { delayMs: PUBLIC_DELAY_MS } : {};
  return [...sizes, { name: PUBLIC, clients: 1, service: true, ...far }];
}

/**
 * The trackers that clients announce to.
 * @param publicOnly the tracker under test is not among them.
 * @param port of the tracker under test.
 */
export function trackerUrls(
  topology: Topology,
  { publicTracker }: ClientSettings,
  publicOnly: boolean,
  port: number,
): string[] {
  const tested = announceUrl(TRACKER_HOST, port);
  if (!publicTracker) return [tested];
  const open = announceUrl(topology.network(PUBLIC).addresses[0], PORTS.public);
  return publicOnly ? [open] : [tested, open];
}

/** Starts all of them. @returns what must run until the end. */
export async function startServices(site: Site, topology: Topology, plan: ServicesPlan): Promise<Program[]> {
  const { tracker, settings, tree, infoHashes } = plan;
  const { core } = topology;
  const programs: Program[] = [];
  if (tracker === "opentracker") {
    const place = { namespace: core, host: TRACKER_HOST, port: PORTS.tested };
    programs.push(await startOpentracker(site, place, infoHashes));
  } else {
    const config = await configuration(site, topology, plan);
    if (tracker === "bridged-cluster") programs.push(...(await startCluster(site, core, tree, config)));
    else programs.push(await startBtrt(site, core, tree, config));
  }
  if (settings.publicTracker) {
    const { namespace, addresses } = topology.network(PUBLIC);
    const place = { namespace, host: addresses[0], port: PORTS.public };
    programs.push(await startOpentracker(site, place, infoHashes));
  }
  if (settings.dht) programs.push(await startDhtNode(site, core));
  if (tracker === "bridged-gate") programs.push(await startGate(site, core, tree));
  return programs;
}

/** BTRT's configuration: the shortest intervals it takes, for a run is over in less than a minute. */
async function configuration(
  site: Site,
  topology: Topology,
  { scenario, tracker, tried, infoHashes }: ServicesPlan,
): Promise<Settings> {
  const isGated = tracker === "bridged-gate";
  const policy = isGated || tracker === "bridged-cluster" ? "bridged" : tracker;
  return {
    tracker: {
      interval: 18,
      min_interval: 9,
      peer_expiry: 60,
      max_peers: 10_000,
      ...scenario.btrt?.tracker,
      ...tried.tracker,
    },
    selection: { policy, stall_seconds: 6, ...scenario.btrt?.selection, ...tried.selection },
    peer_groups: scenario.networks.flatMap(({ name, priority }) =>
      priority === undefined ? [] : [{ name, priority, cidr_list: [topology.network(name).cidr] }],
    ),
    ...(isGated ? { gate: await gateSection(site, scenario, infoHashes, tried.gate) } : {}),
  };
}

async function gateSection(
  site: Site,
  { second, btrt }: Scenario,
  infoHashes: readonly string[],
  tried: Settings = {},
): Promise<Settings> {
  const settings = { enabled: true, ...btrt?.gate, ...tried };
  if (second?.known !== "excluded") return settings;
  const exclude = site.path("excluded");
  await writeFile(exclude, `${infoHashes[1]}\n`);
  return { ...settings, exclude };
}
