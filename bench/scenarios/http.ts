/** What an answer costs over HTTP, side by side with other trackers. */
import { CLOSING, FAST, fill } from "../load/fill.ts";
import type { Population } from "../load/population.ts";
import { type Contender, cpuOf, measureInTurn, type Sample } from "../measure.ts";
import { startBittorrentTracker } from "../servers/bittorrent-tracker.ts";
import { startBtrt } from "../servers/btrt.ts";
import { startOpentracker } from "../servers/opentracker.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const POPULATION: Population = { seed: 1, swarms: 1000, peers: 60_000, sizes: "equal", distinctBy: "port" };
const QUICK_POPULATION: Population = { ...POPULATION, swarms: 100, peers: 6000 };

const CONNECTIONS = 32;
const CLOSE = "connection per announce";
const KEEP_ALIVE = "keep-alive";
const PIPELINED = "keep-alive, pipelined";
const PIPELINE_DEPTH = { [CLOSE]: "close", [KEEP_ALIVE]: 1, [PIPELINED]: 16 } as const;

/** @returns one table. */
export async function measureHttp(setting: Setting): Promise<Table> {
  const population = setting.quick ? QUICK_POPULATION : POPULATION;
  const btrt = await startBtrt(makePlace(setting));
  const opentracker = await startOpentracker(makePlace(setting), population);
  const peer = await startBittorrentTracker(makePlace(setting));
  const requests = { kind: "mix", population } as const;
  const contenders: Contender[] = [];
  const enter = (path: keyof typeof PIPELINE_DEPTH, ...servers: (Server | undefined)[]) => {
    for (const server of servers) {
      if (server === undefined) continue;
      const job = { requests, connections: CONNECTIONS, pipelined: PIPELINE_DEPTH[path] };
      contenders.push({ name: path, server, job });
    }
  };
  // The first is what the others are compared with.
  enter(CLOSE, opentracker, btrt, peer);
  enter(KEEP_ALIVE, btrt, peer);
  enter(PIPELINED, btrt);
  const servers = [btrt, opentracker, peer].filter((server) => server !== undefined);
  for (const server of servers) {
    await fill(setting.load, server, population, server === opentracker ? CLOSING : FAST);
  }
  const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
  for (const server of servers) await server.stop();
  return makeTable(population, contenders, samples, opentracker !== undefined);
}

function makeTable(
  { swarms, peers }: Population,
  contenders: readonly Contender[],
  samples: readonly Sample[][],
  isCompared: boolean,
): Table {
  const cpu = samples.map(cpuOf);
  return {
    title: "HTTP announces",
    notes: [
      `${formatCount(swarms)} swarms of ${peers / swarms} peers that announce again, 50 peers wanted; 6 % start or stop, some complete.`,
      `A closed loop of ${CONNECTIONS} connections; pipelined: ${PIPELINE_DEPTH[PIPELINED]} requests at a time on each.`,
      "CPU is the server's whole process, user and system. The load generator may be slower than the server: see busy.",
      "opentracker closes every connection, so that all rows are compared with its only one.",
      "BTRT gives no complete peers to complete peers: hence fewer bytes in the mean.",
    ],
    columns: [
      "path",
      "server",
      "CPU per response, µs",
      "to opentracker",
      "responses/s",
      "busy",
      "p50 ms",
      "p99 ms",
      "body bytes",
    ],
    rows: contenders.map(({ name, server }, i) => {
      return [
        name,
        server.name,
        formatSpread(spreadOf(cpu[i]), 1),
        isCompared ? formatSpread(ratioOf(cpu[i], cpu[0]), 2) : "–",
        formatCount(medianOf(samples[i], ({ responses, seconds }) => responses / seconds)),
        `${(medianOf(samples[i], ({ busy }) => busy) * 100).toFixed(0)} %`,
        medianOf(samples[i], ({ latencyMs }) => latencyMs.p50).toFixed(2),
        medianOf(samples[i], ({ latencyMs }) => latencyMs.p99).toFixed(2),
        medianOf(samples[i], ({ bodyBytes }) => bodyBytes).toFixed(0),
      ];
    }),
  };
}
