/** A node that joins a cluster: how long it needs for everything, and what the node that it asks is slowed down by. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fill } from "../load/fill.ts";
import { manySwarms, type Population } from "../load/population.ts";
import { SteadyLoad } from "../load/steady-load.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import { clusterKeys, natsMissing, startNatsServers } from "../servers/nats.ts";
import type { Place, Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

/** Announces a second that the donor answers meanwhile: twice those of two million peers, each every half hour. */
const RATE = 2000;
/** Of each newcomer: it takes about so long, and so does the measurement before it. */
const BEFORE_MS = 4000;
const ROUNDS_MAX = 3;

const CAUGHT_UP = /"milliseconds":(\d+),[^\n]*"caught up with the cluster"/;

/** What one newcomer has taken, and the donor's latencies before and meanwhile. */
interface Sample {
  readonly seconds: number;
  readonly donorCpu: number;
  readonly newcomerCpu: number;
  readonly before: readonly number[];
  readonly meanwhile: readonly number[];
}

/** @returns one table; none without nats-server. */
export async function measureCatchUp(setting: Setting): Promise<Table[]> {
  if (natsMissing !== false) {
    console.log(`catchup: left out: ${natsMissing}`);
    return [];
  }
  const population = manySwarms(setting.quick);
  const { serverCore, cores, directory } = setting;
  const secretFile = join(directory, "cluster-secret");
  writeFileSync(secretFile, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  const [own, last] = [[serverCore], [cores[cores.length - 1]]];
  const nats = await startNatsServers([makePlace(setting, own), makePlace(setting, last)]);
  const start = (node: string, number: number, place: Place) =>
    startBtrt(place, {
      engine: setting.engines[0],
      workers: 1,
      keys: clusterKeys(node, nats[number], secretFile),
    });
  const donor = await start("donor", 0, makePlace(setting, own));
  await fill(setting.load, donor, population);
  const load = new SteadyLoad(population, RATE);
  load.start(donor.port);
  const apart: Sample[] = [];
  const elsewhere: Sample[] = [];
  for (let round = 0; round < Math.min(setting.rounds, ROUNDS_MAX); round++) {
    showProgress(`newcomers of round ${round + 1}`);
    const place = makePlace(setting, last);
    for (const server of [donor, nats[0]]) server.useCores(own);
    apart.push(await joinOnce(donor, load, () => start(`apart${round}`, 1, place)));
    for (const server of [donor, nats[0]]) server.useCores(cores);
    const idle = { ...makePlace(setting, last), isElsewhere: true };
    elsewhere.push(await joinOnce(donor, load, () => start(`elsewhere${round}`, 1, idle)));
  }
  load.stop();
  for (const server of [donor, ...nats]) await server.stop();
  return [tableOf(population, apart, elsewhere)];
}

async function joinOnce(donor: Server, load: SteadyLoad, start: () => Promise<Server>): Promise<Sample> {
  load.take();
  await delay(BEFORE_MS);
  const before = load.take();
  const newcomer = await start();
  load.take();
  const cpu = { donor: donor.processorTime().all, newcomer: newcomer.processorTime().all };
  await newcomer.waitUntil("has caught up", () => CAUGHT_UP.test(newcomer.output));
  const sample = {
    seconds: Number(CAUGHT_UP.exec(newcomer.output)?.[1]) / 1000,
    donorCpu: donor.processorTime().all - cpu.donor,
    newcomerCpu: newcomer.processorTime().all - cpu.newcomer,
    before,
    meanwhile: load.take(),
  };
  await newcomer.stop();
  return sample;
}

function tableOf(
  { peers, swarms }: Population,
  apart: readonly Sample[],
  elsewhere: readonly Sample[],
): Table {
  const quantile = (values: readonly number[], part: number) =>
    values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1];
  const row = (name: string, samples: readonly Sample[], wanted: readonly string[]) => {
    const each = (read: (sample: Sample) => number) => formatSpread(spreadOf(samples.map(read)), 2);
    const before = samples.map((sample) => quantile(sample.before, 0.99));
    const meanwhile = samples.map((sample) => quantile(sample.meanwhile, 0.99));
    return [
      name,
      each(({ seconds }) => seconds),
      wanted[0],
      each(({ newcomerCpu }) => newcomerCpu),
      each(({ donorCpu }) => donorCpu),
      formatSpread(spreadOf(before), 2),
      formatSpread(spreadOf(meanwhile), 2),
      formatSpread(ratioOf(meanwhile, before), 2),
      wanted[1],
    ];
  };
  return {
    title: "A node that joins a cluster",
    notes: [
      `It fetches ${formatCount(peers)} IPv4 peers in ${formatCount(swarms)} swarms from another node, which answers ${formatCount(RATE)} announces a second meanwhile, over HTTP with keep-alive. The p99 are those of the announces, in milliseconds.`,
      "Seconds: from its first look for other nodes until it has caught up, of which it listens for others for 0.7.",
      "A core each: each node and its nats-server have one core. Elsewhere: the other node has all cores, and the new one runs only when nothing else does, as if it were on another machine.",
    ],
    columns: [
      "new node",
      "seconds",
      "wanted",
      "its CPU, s",
      "CPU of the other, s",
      "p99 before",
      "p99 meanwhile",
      "ratio",
      "wanted ",
    ],
    rows: [row("a core each", apart, ["≤ 5", ""]), row("elsewhere", elsewhere, ["", "≤ 1.1"])],
  };
}
