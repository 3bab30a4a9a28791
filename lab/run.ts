/** One run: a scenario, a tracker, and what came of it. */
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

/** What is asked of a run. */
export interface RunOptions {
  readonly scenario: Scenario;
  readonly tracker: TrackerName;
  /** Runs of the same number have the same arrivals, whatever the tracker. */
  readonly repetition: number;
  /** `selection` keys that are tried. */
  readonly selection?: Settings;
  /** Directory of the BTRT that is measured. By default this project's. */
  readonly tree?: string;
}

/** Traffic of a home with all that is outside of it, in copies of the file. */
interface HomeTraffic {
  readonly networks: readonly string[];
  readonly copiesIn: number;
  readonly copiesOut: number;
  /** Of `copiesIn`, what came over connections that the outside opened. */
  readonly copiesPushed: number;
}

/** What came of a run. */
export interface RunResult {
  readonly scenario: string;
  readonly tracker: TrackerName;
  readonly repetition: number;
  readonly homes: readonly HomeTraffic[];
  /** Seconds of each client at home (with no home, of each), ascending; the limit for those unfinished. */
  readonly seconds: readonly number[];
  /** Median seconds of the clients in no home, where there is a home. */
  readonly strangersMedian: number | null;
  /** Of all clients, those still there and without the file at the end. */
  readonly unfinished: number;
  /** Answers that libtorrent clients got from trackers. */
  readonly announces: number;
  /** Share of the machine's processors in use. Near 1, processors and not links set the pace. */
  readonly load: number;
}

/** @throws Error when something does not start. Whatever happens, nothing is left behind. */
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

/** The tracker under test, and perhaps a public one. */
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

/** BTRT's configuration: the shortest intervals it takes, for a run is over in less than a minute. */
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
