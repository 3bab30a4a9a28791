/**
 * What a second node adds: two nodes with a core each, against one tracker on one core. The load generators need the same
 * two cores. So the processor time of an announce says more than the announces answered: a core has room for as many
 * as it has time for. It is measured at one node after the other, while the other one only stores what it is told.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fill } from "../load/fill.ts";
import type { Job, Outcome } from "../load/job.ts";
import { Load } from "../load/load.ts";
import { SteadyLoad } from "../load/steady-load.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import { clusterKeys, natsMissing, startNatsServers } from "../servers/nats.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";
import { populationOf } from "./announces.ts";

const MANNERS = [
  { name: "HTTP, keep-alive", manner: 1, wanted: "≥ 1.7" },
  { name: "HTTP, pipelined", manner: 128, wanted: "≥ 1.7" },
  { name: "UDP", manner: "udp", wanted: "" },
] as const satisfies readonly {
  readonly name: string;
  readonly manner: Job["manner"];
  readonly wanted: string;
}[];

/** Announces a second at each tracker while latencies are measured: a part of what it could answer. */
const STEADY_RATE = 3000;
/** Other nodes have what was sent after this time. */
const SETTLE_MS = 500;

/** A tracker, the server beside it, and the generator that asks it from the other core. */
interface Site {
  readonly tracker: Server;
  readonly nats: Server | undefined;
  readonly load: Load;
}

/** What one or two sites did in the same time. */
interface Sample {
  /** Announces answered in a second. */
  readonly rate: number;
  /** Processor time of an announce, in microseconds: of the trackers, and of the nats-servers. */
  readonly trackerCpu: number;
  readonly natsCpu: number;
  /** Cores that the generators used. */
  readonly loadCores: number;
  /** Records sent to the other node, for each announce. */
  readonly sent: number;
}

/** The tracker alone; two nodes, of which one is asked after the other; and both at the same time. */
interface Samples {
  readonly one: Sample[];
  readonly inTurn: Sample[];
  readonly together: Sample[];
}

/** @returns two tables; none without nats-server or with one core. */
export async function measureGrowth(setting: Setting): Promise<Table[]> {
  const { serverCore, cores } = setting;
  const last = cores[cores.length - 1];
  if (natsMissing !== false || last === serverCore) {
    console.log(`growth: left out: ${natsMissing || "it needs two cores"}`);
    return [];
  }
  const [alone, ...nodes] = await startSites(setting, serverCore, last);
  const population = populationOf(setting);
  for (const { tracker, load } of [alone, nodes[0]]) await fill(load, tracker, population);
  const requests = { kind: "mix", population } as const;
  const samples = MANNERS.map((): Samples => ({ one: [], inTurn: [], together: [] }));
  for (let round = 0; round <= setting.rounds; round++) {
    showProgress(`growth: round ${round} of ${setting.rounds}`);
    for (const [i, { manner }] of MANNERS.entries()) {
      const job = { requests, manner, seconds: setting.seconds, sleeps: true };
      const one = await measure([alone], job, true);
      const inTurn = await measure(nodes, job, false);
      const together = await measure(nodes, job, true);
      if (round === 0) continue;
      samples[i].one.push(one);
      samples[i].inTurn.push(inTurn);
      samples[i].together.push(together);
    }
  }
  const latencies: number[][][] = [[], []];
  for (let round = 0; round < setting.rounds; round++)
    for (const [which, sites] of [[alone], nodes].entries())
      latencies[which].push(await measureLatencies(sites, setting));
  nodes[1].load.stop();
  for (const { tracker, nats } of [alone, ...nodes]) for (const each of [tracker, nats]) await each?.stop();
  return [growthTable(samples), latencyTable(latencies)];
}

/** @returns the tracker that is alone, and two nodes. Each is asked from the core that the other node has. */
async function startSites(setting: Setting, own: number, last: number): Promise<Site[]> {
  const secretFile = join(setting.directory, "growth-secret");
  writeFileSync(secretFile, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  const settings = { engine: setting.engines[0], workers: 1 };
  const nats = await startNatsServers([makePlace(setting, [own]), makePlace(setting, [last])]);
  const loads = [setting.load, new Load(own)];
  const nodes: Site[] = [];
  for (const [i, core] of [own, last].entries()) {
    const keys = clusterKeys(`node${i}`, nats[i], secretFile);
    const tracker = await startBtrt(makePlace(setting, [core]), { ...settings, keys });
    nodes.push({ tracker, nats: nats[i], load: loads[i] });
  }
  for (const { tracker } of nodes)
    await tracker.waitUntil("has caught up", () => tracker.output.includes("caught up with the cluster"));
  const tracker = await startBtrt(makePlace(setting, [own]), settings);
  return [{ tracker, nats: undefined, load: setting.load }, ...nodes];
}

/**
 * All sites get the same announces: a client's next announce goes to the other one.
 * @param atOnce whether they get them at the same time.
 */
async function measure(sites: readonly Site[], job: Omit<Job, "port">, atOnce: boolean): Promise<Sample> {
  const cpu = (read: (site: Site) => number) => sites.reduce((sum, site) => sum + read(site), 0);
  const trackers = () => cpu(({ tracker }) => tracker.processorTime().all);
  const servers = () => cpu(({ nats }) => nats?.processorTime().all ?? 0);
  const loads = () => cpu(({ load }) => load.processorTime().all);
  const sent = async () => (await Promise.all(sites.map(sentBy))).reduce((sum, each) => sum + each, 0);
  const before = [trackers(), servers(), loads(), await sent()];
  const outcomes: Outcome[] = [];
  const ask = async ({ tracker, load }: Site) => void outcomes.push(await load.perform(tracker, job));
  if (atOnce) await Promise.all(sites.map(ask));
  else for (const site of sites) await ask(site);
  // What is left to be sent and stored belongs to these announces.
  const loadSeconds = loads() - before[2];
  await delay(SETTLE_MS);
  const responses = outcomes.reduce((sum, outcome) => sum + outcome.responses, 0);
  const times = outcomes.map((outcome) => outcome.seconds);
  const seconds = atOnce ? Math.max(...times) : times.reduce((sum, each) => sum + each, 0);
  return {
    rate: responses / seconds,
    trackerCpu: ((trackers() - before[0]) / responses) * 1e6,
    natsCpu: ((servers() - before[1]) / responses) * 1e6,
    loadCores: loadSeconds / seconds,
    sent: ((await sent()) - before[3]) / responses,
  };
}

/** Records that a tracker has sent to others. */
async function sentBy({ tracker, nats }: Site): Promise<number> {
  if (nats === undefined) return 0;
  const [, admin] = /"admin":"(http:[^"]+)"/.exec(tracker.output) ?? [];
  const metrics = await (await fetch(new URL("/metrics", admin))).text();
  return Number(/^btrt_cluster_sent_records_total (\d+)/m.exec(metrics)?.[1]);
}

/** The times of announces at a fixed rate, of all sites together. */
async function measureLatencies(sites: readonly Site[], setting: Setting): Promise<number[]> {
  const population = populationOf(setting);
  const loads = sites.map(({ tracker }) => {
    const load = new SteadyLoad(population, STEADY_RATE);
    load.start(tracker.port);
    return load;
  });
  await delay(SETTLE_MS);
  for (const load of loads) load.take();
  await delay(2 * setting.seconds * 1000);
  const times = loads.flatMap((load) => load.take());
  for (const load of loads) load.stop();
  return times;
}

function growthTable(samples: readonly Samples[]): Table {
  const column = (of: readonly Sample[], read: (sample: Sample) => number, digits: number) =>
    formatSpread(spreadOf(of.map(read)), digits);
  return {
    title: "Two nodes against one tracker",
    notes: [
      "The load generator of a tracker has the other core. With two nodes, each core has a node, its nats-server and the generator of the other node.",
      "The same clients announce to both nodes in turn. Sent: records that a node sends to the other, for each announce; each is stored by the other one.",
      "CPU of two: of both nodes for an announce at one of them. Room: for how many announces two cores have time, without the generators, to those for which one core has time with one tracker. Both nodes have nats-servers, whose time is included.",
      "Answered: both nodes are asked at the same time, and share their cores with the generators.",
    ],
    columns: [
      "announces",
      "CPU of one, µs",
      "CPU of two, µs",
      "nats-server, µs",
      "sent",
      "room, to one",
      "wanted",
      "answered/s by one",
      "by two",
      "ratio",
      "cores for load, one",
      "two",
    ],
    rows: samples.map(({ one, inTurn: two, together }, i) => [
      MANNERS[i].name,
      column(one, ({ trackerCpu }) => trackerCpu, 2),
      column(two, ({ trackerCpu }) => trackerCpu, 2),
      column(two, ({ natsCpu }) => natsCpu, 2),
      medianOf(two, ({ sent }) => sent).toFixed(2),
      formatSpread(
        ratioOf(
          one.map(({ trackerCpu }) => 2 * trackerCpu),
          two.map(({ trackerCpu, natsCpu }) => trackerCpu + natsCpu),
        ),
        2,
      ),
      MANNERS[i].wanted,
      formatCount(medianOf(one, ({ rate }) => rate)),
      formatCount(medianOf(together, ({ rate }) => rate)),
      formatSpread(
        ratioOf(
          together.map(({ rate }) => rate),
          one.map(({ rate }) => rate),
        ),
        2,
      ),
      medianOf(one, ({ loadCores }) => loadCores).toFixed(2),
      medianOf(together, ({ loadCores }) => loadCores).toFixed(2),
    ]),
  };
}

function latencyTable([one, two]: readonly (readonly number[][])[]): Table {
  const quantile = (rounds: readonly number[][], part: number) =>
    rounds.map((times) => times.toSorted((a, b) => a - b)[Math.ceil(times.length * part) - 1]);
  return {
    title: "The time of an announce at one tracker, and at two nodes with as much each",
    notes: [
      `${formatCount(STEADY_RATE)} announces a second over HTTP, with keep-alive, to each tracker: twice as many to two. Milliseconds.`,
    ],
    columns: ["quantile", "one", "two", "ratio"],
    rows: [0.5, 0.99].map((part) => [
      `p${part * 100}`,
      formatSpread(spreadOf(quantile(one, part)), 2),
      formatSpread(spreadOf(quantile(two, part)), 2),
      formatSpread(ratioOf(quantile(two, part), quantile(one, part)), 2),
    ]),
  };
}
