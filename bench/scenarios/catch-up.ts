/** A node that joins a cluster: how long it needs for everything, and what the node that it asks is slowed down by. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fill } from "../load/fill.ts";
import { manySwarms } from "../load/population.ts";
import { SteadyLoad } from "../load/steady-load.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import { clusterKeys, natsMissing, startNatsServers } from "../servers/nats.ts";
import type { Server } from "../servers/server.ts";
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
  const { cores, directory } = setting;
  const secretFile = join(directory, "cluster-secret");
  writeFileSync(secretFile, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  // Two nodes, each with its server. The newcomer gets what the donor leaves of a core: it should be on another machine.
  const placeOf = (half: number) => ({
    ...makePlace(setting, half === 0 ? cores : [cores[cores.length - 1]]),
    isElsewhere: half === 1,
  });
  const nats = await startNatsServers([placeOf(0), placeOf(1)]);
  const start = (node: string, half: number) =>
    startBtrt(placeOf(half), {
      engine: setting.engines[0],
      workers: 1,
      keys: clusterKeys(node, nats[half], secretFile),
    });
  const donor = await start("donor", 0);
  await fill(setting.load, donor, population);
  const load = new SteadyLoad(population, RATE);
  load.start(donor.port);
  const samples: Sample[] = [];
  for (let round = 0; round < Math.min(setting.rounds, ROUNDS_MAX); round++) {
    showProgress(`newcomer ${round + 1}`);
    samples.push(await joinOnce(donor, load, () => start(`newcomer${round}`, 1)));
  }
  load.stop();
  for (const server of [donor, ...nats]) await server.stop();
  return [tableOf(population.peers, population.swarms, samples)];
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

function tableOf(peers: number, swarms: number, samples: readonly Sample[]): Table {
  const quantile = (values: readonly number[], part: number) =>
    values.toSorted((a, b) => a - b)[Math.ceil(values.length * part) - 1];
  const p = (part: number) => {
    const before = samples.map((sample) => quantile(sample.before, part));
    const meanwhile = samples.map((sample) => quantile(sample.meanwhile, part));
    return [before, meanwhile]
      .map((each) => formatSpread(spreadOf(each), 2))
      .concat(formatSpread(ratioOf(meanwhile, before), 2));
  };
  const each = (read: (sample: Sample) => number) => formatSpread(spreadOf(samples.map(read)), 2);
  return {
    title: "A node that joins a cluster",
    notes: [
      `It fetches ${formatCount(peers)} IPv4 peers in ${formatCount(swarms)} swarms from one node, which answers ${formatCount(RATE)} announces a second meanwhile, over HTTP with keep-alive.`,
      "Each node has a nats-server. The node that is asked may use all cores, and the newcomer what that leaves of one. Seconds: from the newcomer's first look for other nodes until it has caught up. The latencies are those of the node that is asked.",
    ],
    columns: ["", "before", "meanwhile", "ratio", "wanted"],
    rows: [
      ["seconds", "", each(({ seconds }) => seconds), "", "≤ 5"],
      ["CPU of the newcomer, s", "", each(({ newcomerCpu }) => newcomerCpu), "", ""],
      ["CPU of the node that is asked, s", "", each(({ donorCpu }) => donorCpu), "", ""],
      ["p50 ms", ...p(0.5), ""],
      ["p99 ms", ...p(0.99), "≤ 1.1"],
    ],
  };
}
