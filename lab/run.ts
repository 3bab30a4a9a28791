/** One run: a scenario with a tracker, and its results. */
import { cpus } from "node:os";
import { type Client, Clients } from "./clients.ts";
import { type Program, until } from "./process.ts";
import {
  ARRIVE,
  CLIENTS,
  type Crew,
  clientCount,
  homesOf,
  LIMIT_SECONDS,
  type Scenario,
} from "./scenario.ts";
import { Site } from "./site.ts";
import { fractions, median } from "./statistics.ts";
import { type Flow, type Network, Topology } from "./topology.ts";
import { makeTorrent, type Torrent } from "./torrent.ts";
import {
  announceUrl,
  OWN_TREE,
  PORTS,
  type Settings,
  startBtrt,
  startOpentracker,
  type TrackerName,
} from "./trackers.ts";

const SEEDERS_LIMIT_MS = 15_000;

/** The options of a run. */
export interface RunOptions {
  readonly scenario: Scenario;
  readonly tracker: TrackerName;
  /** Runs with the same number have the same arrivals with every tracker. */
  readonly repetition: number;
  /** `selection` keys to try. */
  readonly selection?: Settings;
  /** The directory of the BTRT to measure; by default this project's. */
  readonly tree?: string;
}

/** Traffic between a home and everything outside it, in copies of the file. */
interface HomeTraffic {
  readonly networks: readonly string[];
  readonly copiesIn: number;
  readonly copiesOut: number;
  /** The part of `copiesIn` over connections that outside clients opened. */
  readonly copiesPushed: number;
}

/** The results of a run. */
export interface RunResult {
  readonly scenario: string;
  readonly tracker: TrackerName;
  readonly repetition: number;
  readonly homes: readonly HomeTraffic[];
  /**
   * Seconds to completion of each client at home (without a home: of each), ascending; the limit for unfinished ones.
   */
  readonly seconds: readonly number[];
  /** Median seconds of the clients in no home, if there is a home. */
  readonly strangersMedian: number | null;
  /** Clients that were present at the end without the file. */
  readonly unfinished: number;
  /** Answers that libtorrent clients got from trackers. */
  readonly announces: number;
  /** The share of the machine's processors in use. Near 1, processors and not links limit the speed. */
  readonly load: number;
}

/** @throws Error if something does not start. Everything is removed in any case. */
export async function run(options: RunOptions): Promise<RunResult> {
  const site = new Site();
  try {
    return await runIn(site, options);
  } finally {
    await site.close();
  }
}

async function runIn(site: Site, options: RunOptions): Promise<RunResult> {
  const { scenario } = options;
  const settings = { ...CLIENTS, ...scenario.clients };
  const ports = settings.publicTracker ? [PORTS.tested, PORTS.public] : [PORTS.tested];
  const torrent = await makeTorrent(site.directory, scenario.megabytes, ports.map(announceUrl));
  const sizes = scenario.networks.map((plan) => ({ ...plan, clients: clientCount(plan) }));
  const topology = await Topology.build(site, sizes);
  const trackers = await startTrackers(site, options, topology, torrent, settings.publicTracker);
  const clients = new Clients(site, torrent, settings, planClients(options, topology));
  await clients.prepare();
  const seeders = clients.all.filter(({ crew }) => crew.seed);
  const check = () => {
    clients.check();
    for (const { over, lastLines } of trackers) if (over) throw new Error(`a tracker died:\n${lastLines}`);
  };
  const allSeed = () => {
    check();
    return seeders.every(({ announces }) => announces >= ports.length);
  };
  await until("the seeders have announced", allSeed, SEEDERS_LIMIT_MS);

  const before = busyMs();
  clients.begin();
  while (clients.waiting && clients.elapsed < LIMIT_SECONDS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    check();
  }
  clients.stop();
  const load = (busyMs() - before) / (cpus().length * 1000 * clients.elapsed);
  return { ...describe(options, clients.all, await topology.flows(), torrent.bytes), load };
}

/** The tracker under test, and possibly a public one. */
async function startTrackers(
  site: Site,
  options: RunOptions,
  topology: Topology,
  { infoHash }: Torrent,
  withPublic: boolean,
): Promise<Program[]> {
  const { core } = topology;
  const settings = configuration(options, topology);
  const tested =
    options.tracker === "opentracker"
      ? await startOpentracker(site, core, PORTS.tested, infoHash)
      : await startBtrt(site, core, PORTS.tested, options.tree ?? OWN_TREE, settings);
  return withPublic ? [tested, await startOpentracker(site, core, PORTS.public, infoHash)] : [tested];
}

/** BTRT's configuration, with the shortest possible intervals, because a run takes less than a minute. */
function configuration({ scenario, tracker, selection }: RunOptions, topology: Topology): Settings {
  return {
    tracker: { interval: 18, min_interval: 9, peer_expiry: 60, max_peers: 10_000, ...scenario.btrt?.tracker },
    selection: { policy: tracker, stall_seconds: 6, ...scenario.btrt?.selection, ...selection },
    peer_groups: scenario.networks.flatMap(({ name, priority }) =>
      priority === undefined ? [] : [{ name, priority, cidr_list: [topology.network(name).cidr] }],
    ),
  };
}

function planClients({ scenario, repetition }: RunOptions, topology: Topology): Client[] {
  const random = fractions(`${scenario.name} ${repetition}`);
  return scenario.networks.flatMap((plan) => {
    const network = topology.network(plan.name);
    const crews: Crew[] = plan.crews.flatMap((crew) => Array<Crew>(crew.clients).fill(crew));
    return crews.map((crew, i) => planClient(network, i, crew, random()));
  });
}

function planClient(network: Network, index: number, crew: Crew, fraction: number): Client {
  const [from, to] = crew.arrive ?? ARRIVE;
  return {
    name: `${network.name}-${index}`,
    network,
    address: network.addresses[index],
    crew,
    at: from + fraction * (to - from),
    announces: 0,
    seconds: undefined,
    gone: false,
  };
}

function describe(
  { scenario, tracker, repetition }: RunOptions,
  clients: readonly Client[],
  flows: readonly Flow[],
  fileBytes: number,
): Omit<RunResult, "load"> {
  const homes = homesOf(scenario);
  const staying = clients.filter(({ crew, gone }) => !crew.seed && !gone);
  const atHome = ({ network }: Client) => homes.length === 0 || homes.flat().includes(network.name);
  const secondsOf = (some: readonly Client[]) => some.map(({ seconds }) => seconds ?? LIMIT_SECONDS);
  const strangers = staying.filter((client) => !atHome(client));
  return {
    scenario: scenario.name,
    tracker,
    repetition,
    homes: homes.map((networks) => homeTraffic(networks, flows, fileBytes)),
    seconds: secondsOf(staying.filter(atHome)).sort((a, b) => a - b),
    strangersMedian: strangers.length === 0 ? null : median(secondsOf(strangers)),
    unfinished: staying.filter(({ seconds }) => seconds === undefined).length,
    announces: clients.reduce((sum, { announces }) => sum + announces, 0),
  };
}

function homeTraffic(networks: readonly string[], flows: readonly Flow[], fileBytes: number): HomeTraffic {
  const inside = (name: string) => networks.includes(name);
  const copies = (some: readonly Flow[], bytes: (flow: Flow) => number) =>
    some.reduce((sum, flow) => sum + bytes(flow), 0) / fileBytes;
  const entering = flows.filter(({ from, to }) => inside(to) && !inside(from));
  const leaving = flows.filter(({ from, to }) => inside(from) && !inside(to));
  return {
    networks,
    copiesIn: copies(entering, ({ bytes }) => bytes),
    copiesOut: copies(leaving, ({ bytes }) => bytes),
    copiesPushed: copies(entering, ({ openedBySender }) => openedBySender),
  };
}

/** Milliseconds in which processors were in use. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
