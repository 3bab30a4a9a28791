/** The cost of an answer, compared with other trackers. */

import { fill } from "../load/fill.ts";
import { CONNECTIONS } from "../load/http-load.ts";
import type { Manner } from "../load/job.ts";
import type { Population } from "../load/population.ts";
import { type Contender, cpuOf, measureInTurn, type Sample } from "../measure.ts";
import { startAquatic } from "../servers/aquatic.ts";
import { startBittorrentTracker } from "../servers/bittorrent-tracker.ts";
import { PREFIXES, startBtrt } from "../servers/btrt.ts";
import { startOpentracker } from "../servers/opentracker.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

/** The populations. Large swarms are few, as in reality. */
const POPULATION: Population = {
  seed: 1,
  swarms: 100_000,
  peers: 300_000,
  sizes: "zipf",
  distinctBy: "both",
};
const QUICK_POPULATION: Population = { ...POPULATION, swarms: 1000, peers: 5000 };

/** @returns the population of a setting. */
export function populationOf({ quick }: Setting): Population {
  return quick ? QUICK_POPULATION : POPULATION;
}

/** Ways of announcing, with the targets for BTRT's fastest engine: ratios to the others, and the share of user time. */
const PATHS = {
  close: { name: "HTTP, a connection per announce", manner: "close", wanted: "≤ 0.65; user ≤ 25 %" },
  kept: { name: "HTTP, keep-alive", manner: 1, wanted: "≤ 0.25, ≤ 0.05" },
  pipelined: { name: "HTTP, pipelined", manner: 16, wanted: "" },
  udp: { name: "UDP", manner: "udp", wanted: "≤ 0.60" },
} as const satisfies Record<string, { name: string; manner: Manner; wanted: string }>;
type Path = keyof typeof PATHS;

/** A row of the table: the server and the path; and the rows with which it is compared. */
interface Row {
  readonly path: Path;
  readonly contender: Contender;
  readonly wanted: string;
  readonly opentracker: number;
  readonly bittorrentTracker: number;
  readonly aquatic: number;
}

/** The trackers that are compared. */
interface Servers {
  readonly btrt: readonly Server[];
  readonly opentracker: Server | undefined;
  readonly bittorrentTracker: Server | undefined;
  readonly aquatic: Server | undefined;
}

/** @returns one table. */
export async function measureAnnounces(setting: Setting): Promise<Table> {
  const population = populationOf(setting);
  const btrt: Server[] = [];
  for (const engine of setting.engines)
    btrt.push(await startBtrt(makePlace(setting), { engine, workers: 1 }));
  btrt.push(await startBridged(setting));
  const opentracker = await startOpentracker(makePlace(setting), population);
  const bittorrentTracker = await startBittorrentTracker(makePlace(setting));
  const aquatic = await startAquatic(makePlace(setting));
  const servers = [...btrt, opentracker, bittorrentTracker, aquatic].filter((server) => server !== undefined);
  // bittorrent-tracker does not understand the address in an announce over UDP: peers with the same port would be one.
  const populationFor = (server: Server): Population =>
    server === bittorrentTracker ? { ...population, distinctBy: "source" } : population;
  for (const server of servers) await fill(setting.load, server, populationFor(server));
  const rows = makeRows({ btrt, opentracker, bittorrentTracker, aquatic }, populationFor);
  const contenders = rows.map(({ contender }) => contender);
  const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
  for (const server of servers) await server.stop();
  return makeTable(population, rows, samples);
}

/** The default policy, which limits the outside peers of an answer. */
async function startBridged(setting: Setting): Promise<Server> {
  const keys = { selection: { policy: "bridged" } };
  const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1, keys });
  server.name += ", bridged";
  return server;
}

function makeRows(
  { btrt, opentracker, bittorrentTracker, aquatic }: Servers,
  populationFor: (server: Server) => Population,
): Row[] {
  const rows: Row[] = [];
  // opentracker closes every connection. Servers with kept connections are compared with that.
  const find = (server: Server | undefined, path: Path) =>
    rows.findIndex((row) => row.contender.server === server && row.path === path);
  const add = (path: Path, server: Server | undefined, wanted: string) => {
    if (server === undefined) return;
    const { name, manner } = PATHS[path];
    const requests = { kind: "mix", population: populationFor(server) } as const;
    rows.push({
      path,
      contender: { name, server, job: { requests, manner, sleeps: false } },
      wanted,
      opentracker: find(opentracker, path === "udp" ? "udp" : "close"),
      bittorrentTracker: find(bittorrentTracker, path === "pipelined" ? "kept" : path),
      aquatic: find(aquatic, path),
    });
  };
  for (const path of ["close", "kept", "pipelined", "udp"] as const) {
    if (path === "close" || path === "udp") add(path, opentracker, "");
    if (path !== "pipelined") add(path, bittorrentTracker, "");
    if (path === "udp") add(path, aquatic, "");
    for (const [i, server] of btrt.entries()) add(path, server, i === 0 ? PATHS[path].wanted : "");
  }
  return rows;
}

function makeTable(
  { swarms, peers, sizes }: Population,
  rows: readonly Row[],
  samples: readonly Sample[][],
): Table {
  const cpu = samples.map(cpuOf);
  const ratio = (row: number, to: number) =>
    to < 0 || to === row ? "" : formatSpread(ratioOf(cpu[row], cpu[to]), cpu[to] > cpu[row] ? 3 : 2);
  return {
    title: "Announces",
    notes: [
      `${formatCount(peers)} peers in ${formatCount(swarms)} swarms (${sizes}) announce again, 50 peers wanted; 6 % start or stop, some complete.`,
      `BTRT has ${formatCount(PREFIXES)} prefixes in three groups of peers that are everybody's, answers at random, and expires peers. It sees each peer at an address of its own; two thirds of them are in the prefixes.`,
      `A closed loop: ${CONNECTIONS} connections, on a kept one one request at a time, pipelined ${PATHS.pipelined.manner}; UDP: 128 datagrams.`,
      "CPU is the server's whole process, user and system. Where it is busy for less than 100 % the load generator is slower.",
      "opentracker closes every connection, so that all of HTTP is compared with that.",
      "BTRT has the policy `nearest`, as others limit no peers either, unless the row says `bridged`. An answer of `bridged` may hold fewer peers.",
      "BTRT gives no complete peers to complete peers: hence fewer bytes in the mean. bittorrent-tracker keeps 1,000 peers of a swarm.",
    ],
    columns: [
      "path",
      "server",
      "CPU per response, µs",
      "user",
      "to opentracker",
      "to bittorrent-tracker",
      "to aquatic",
      "wanted",
      "responses/s",
      "busy",
      "p50 ms",
      "p99 ms",
      "response bytes",
    ],
    rows: rows.map(({ contender, wanted, opentracker, bittorrentTracker, aquatic }, i) => {
      const median = (read: (sample: Sample) => number) => medianOf(samples[i], read);
      return [
        contender.name,
        contender.server.name,
        formatSpread(spreadOf(cpu[i]), 1),
        `${(median(({ userShare }) => userShare) * 100).toFixed(0)} %`,
        ratio(i, opentracker),
        ratio(i, bittorrentTracker),
        ratio(i, aquatic),
        wanted,
        formatCount(median(({ responses, seconds }) => responses / seconds)),
        `${(median(({ busy }) => busy) * 100).toFixed(0)} %`,
        median(({ latencyMs }) => latencyMs.p50).toFixed(2),
        median(({ latencyMs }) => latencyMs.p99).toFixed(2),
        median(({ responseBytes }) => responseBytes).toFixed(0),
      ];
    }),
  };
}
