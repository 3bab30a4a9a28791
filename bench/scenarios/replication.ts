/** What a cluster costs the announces: processor time of a tracker that is one node of three, against one that is alone. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fill, ONCE } from "../load/fill.ts";
import type { Job } from "../load/job.ts";
import type { Population } from "../load/population.ts";
import { type Contender, cpuOf, measureInTurn, measureOnce, type Sample } from "../measure.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import { clusterKeys, natsMissing, startNatsServers } from "../servers/nats.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";
import { populationOf } from "./announces.ts";

const NODES = ["a", "b", "c"];
const MANNERS = [
  { name: "HTTP, keep-alive", manner: 1 },
  { name: "UDP", manner: "udp" },
] as const satisfies readonly { readonly name: string; readonly manner: Job["manner"] }[];

/** @returns one table; none without nats-server. */
export async function measureReplication(setting: Setting): Promise<Table[]> {
  if (natsMissing !== false) {
    console.log(`replication: left out: ${natsMissing}`);
    return [];
  }
  const population = populationOf(setting);
  const { serverCore, cores, directory, load } = setting;
  const secretFile = join(directory, "replication-secret");
  writeFileSync(secretFile, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  // The other nodes and the servers share a core with the load generator, which must leave them some of it.
  const elsewhere = () => makePlace(setting, [cores[cores.length - 1]]);
  const nats = await startNatsServers(NODES.map(elsewhere));
  const settings = { engine: setting.engines[0], workers: 1 };
  const alone = await startBtrt(makePlace(setting, [serverCore]), settings);
  const [node, ...others] = await Promise.all(
    NODES.map((name, i) =>
      startBtrt(i === 0 ? makePlace(setting, [serverCore]) : elsewhere(), {
        ...settings,
        keys: clusterKeys(name, nats[i], secretFile),
      }),
    ),
  );
  for (const server of [node, ...others])
    await server.waitUntil("has caught up", () => server.output.includes("caught up with the cluster"));
  for (const server of [alone, node]) await fill(load, server, population);
  const contenders = MANNERS.flatMap(({ name, manner }) =>
    [alone, node].map((server): Contender => {
      const requests = { kind: "mix", population } as const;
      return { name, server, job: { requests, manner, sleeps: true } };
    }),
  );
  const samples = await measureInTurn(load, contenders, setting.rounds, setting.seconds);
  const news: Sample[][] = [[], []];
  for (let round = 0; round < setting.rounds; round++) {
    showProgress(`all news, round ${round + 1} of ${setting.rounds}`);
    for (const [i, server] of [alone, node].entries())
      news[i].push(await measureNews(setting, server, { ...population, seed: population.seed + 1 + round }));
  }
  for (const server of [alone, node, ...others, ...nats]) await server.stop();
  return [tableOf(population, [...MANNERS.map(({ name }) => name), "UDP, all start"], [...samples, ...news])];
}

/** Every peer of a population that is new starts, and then stops. */
async function measureNews({ load }: Setting, server: Server, population: Population): Promise<Sample> {
  const sample = await measureOnce(load, server, {
    ...ONCE,
    sleeps: true,
    requests: { kind: "fill", population },
  });
  await load.perform(server, { ...ONCE, sleeps: true, requests: { kind: "stop", population } });
  return sample;
}

/** @param samples of the tracker alone and of the node, for each name. */
function tableOf(
  { peers, swarms }: Population,
  names: readonly string[],
  samples: readonly Sample[][],
): Table {
  const cpu = samples.map(cpuOf);
  return {
    title: "Announces with a cluster",
    notes: [
      `${formatCount(peers)} peers in ${formatCount(swarms)} swarms announce again to one node of three; 6 % start or stop, some complete. In the last line all start: the others are told of every announce. The others hear no clients.`,
      "CPU is the whole process, with the thread of the cluster: on one core.",
    ],
    columns: [
      "announces",
      "alone, µs",
      "with the cluster, µs",
      "ratio",
      "wanted",
      "announces/s alone",
      "with it",
    ],
    rows: names.map((name, i) => [
      name,
      ...[2 * i, 2 * i + 1].map((at) => formatSpread(spreadOf(cpu[at]), 2)),
      formatSpread(ratioOf(cpu[2 * i + 1], cpu[2 * i]), 3),
      i < MANNERS.length ? "≤ 1.10" : "",
      ...[2 * i, 2 * i + 1].map((at) =>
        formatCount(medianOf(samples[at], ({ responses, seconds }) => responses / seconds)),
      ),
    ]),
  };
}
