/** One run: a scenario with a tracker, and its results. */
import { cpus } from "node:os";
import { type Client, Clients, isDone } from "./clients.ts";
import { makeTorrents, planClients } from "./plan-clients.ts";
import { command, until } from "./process.ts";
import { CLIENTS, homesOf, LIMIT_SECONDS, type Scenario } from "./scenario.ts";
import { networkSizes, startServices } from "./services.ts";
import { Site } from "./site.ts";
import { median } from "./statistics.ts";
import { type Flow, Topology } from "./topology.ts";
import { OWN_TREE, type Settings, type TrackerName, testedPorts } from "./trackers.ts";
import { Watch, type WatchEntry } from "./watch.ts";

const SEEDERS_LIMIT_MS = 15_000;

/** The options of a run. */
export interface RunOptions {
  readonly scenario: Scenario;
  readonly tracker: TrackerName;
  /** Runs with the same number have the same arrivals with every tracker. */
  readonly repetition: number;
  /** Keys of BTRT's configuration to try, by section. */
  readonly tried?: { readonly [section: string]: Settings };
  /** The directory of the BTRT to measure; by default this project's. */
  readonly tree?: string;
  /** Whether the result has a record of what happened. */
  readonly isWatched?: boolean;
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
  /** As {@link seconds}, for the second torrent, if there is one. */
  readonly secondTorrent?: readonly number[];
  /** Clients that were present at the end and lacked a file. */
  readonly unfinished: number;
  /** Answers that libtorrent clients got from trackers. */
  readonly announces: number;
  /** The share of the machine's processors in use. Near 1, processors and not links limit the speed. */
  readonly load: number;
  /** Packets that the gate has counted, by the name of the counter. */
  readonly gate?: { readonly [counter: string]: number };
  readonly watch?: readonly WatchEntry[];
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
  const { scenario, tracker, tree = OWN_TREE, tried = {} } = options;
  const settings = { ...CLIENTS, ...scenario.clients };
  const topology = await Topology.build(site, networkSizes(scenario, settings));
  const torrents = await makeTorrents(site, scenario);
  const infoHashes = torrents.map(({ infoHash }) => infoHash);
  const services = await startServices(site, topology, {
    scenario,
    tracker,
    settings,
    tree,
    tried,
    infoHashes,
  });
  const { repetition } = options;
  const plan = { scenario, repetition, settings, topology, torrents, ports: testedPorts(tracker) };
  const watch = options.isWatched ? new Watch() : undefined;
  const planned = await planClients(site, plan);
  const clients = new Clients(site, settings, planned, watch && ((status) => watch.noteStatus(status)));
  await clients.prepare();
  if (tracker === "bridged-gate") watch?.followGate(site, topology.core, planned, infoHashes[0]);
  const seeders = clients.all.filter(({ crew }) => crew.seed);
  const check = () => {
    clients.check();
    for (const { over, lastLines } of services) if (over) throw new Error(`a tracker died:\n${lastLines}`);
  };
  const allSeed = () => {
    check();
    return seeders.every((client) => client.announces >= announcesOf(client));
  };
  await until("the seeders have announced", allSeed, SEEDERS_LIMIT_MS);

  const { limitSeconds: limit = LIMIT_SECONDS } = scenario;
  const before = busyMs();
  watch?.begin();
  clients.begin();
  while (clients.waiting && clients.elapsed < limit) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    check();
  }
  clients.stop();
  const load = (busyMs() - before) / (cpus().length * 1000 * clients.elapsed);
  const gate = tracker === "bridged-gate" ? { gate: await gateCounters(topology) } : {};
  const record = watch === undefined ? {} : { watch: watch.entries };
  return {
    ...describe(options, clients.all, await topology.flows(), torrents[0].bytes),
    ...gate,
    load,
    ...record,
  };
}

/** Announces that a client makes when it starts. */
function announcesOf({ torrents }: Client): number {
  return torrents.reduce((sum, { trackers }) => sum + trackers, 0);
}

function describe(
  { scenario, tracker, repetition }: RunOptions,
  clients: readonly Client[],
  flows: readonly Flow[],
  fileBytes: number,
): Omit<RunResult, "load"> {
  const homes = homesOf(scenario);
  const staying = clients.filter(({ crew, gone }) => !crew.seed && !gone);
  const atHome = ({ network }: Client) => homes.length === 0 || homes.flat().includes(network);
  const secondsOf = (some: readonly Client[], torrent = 0) =>
    some
      .map(({ seconds }) => seconds[torrent] ?? scenario.limitSeconds ?? LIMIT_SECONDS)
      .sort((a, b) => a - b);
  const strangers = staying.filter((client) => !atHome(client));
  return {
    scenario: scenario.name,
    tracker,
    repetition,
    homes: homes.map((networks) => homeTraffic(networks, flows, fileBytes)),
    seconds: secondsOf(staying.filter(atHome)),
    ...(scenario.second === undefined ? {} : { secondTorrent: secondsOf(staying.filter(atHome), 1) }),
    strangersMedian: strangers.length === 0 ? null : median(secondsOf(strangers)),
    unfinished: staying.filter((client) => !isDone(client)).length,
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

/** What the gate has counted: packets, by the name of the counter. */
async function gateCounters({ core }: Topology): Promise<Record<string, number>> {
  const list = ["nft", "list", "counters", "table", "inet", "btrt"];
  const listed = await command(["ip", "netns", "exec", core, ...list]);
  const found = listed.matchAll(/counter (\S+) \{\s*packets (\d+)/g);
  return Object.fromEntries([...found].map(([, name, packets]) => [name, Number(packets)]));
}

/** Milliseconds in which processors were in use. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
