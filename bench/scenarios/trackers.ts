/** The cost of an answer, beside trackers of other projects: each takes part if its program is in the path. */
import { fill } from "../load/fill.ts";
import { CONNECTIONS } from "../load/http-load.ts";
import type { Manner } from "../load/job.ts";
import type { Population } from "../load/population.ts";
import { countReturned } from "../load/returned-peers.ts";
import { type Contender, cpuOf, measureInTurn, type Sample } from "../measure.ts";
import { startAquatic } from "../servers/aquatic.ts";
import { startAquaticHttp } from "../servers/aquatic-http.ts";
import { PREFIXES, startBtrt } from "../servers/btrt.ts";
import { startChihaya } from "../servers/chihaya.ts";
import { startOpentracker } from "../servers/opentracker.ts";
import { startRetracker } from "../servers/retracker.ts";
import type { Server } from "../servers/server.ts";
import { startTorrust } from "../servers/torrust.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

/** Peers in a swarm: all have as many, so that a response should contain as many. */
const PEERS_PER_SWARM = 13;
const WANTED_PEERS = 50;

const QUICK_SWARMS = 1000;

/** The ways of announcing. Over HTTP there are fewer swarms, because that is how some trackers are filled. */
const PATHS = {
  udp: { title: "UDP", manner: "udp", swarms: 25_000 },
  close: { title: "HTTP, a connection per announce", manner: "close", swarms: 5_000 },
  kept: { title: "HTTP, connections kept", manner: 1, swarms: 5_000 },
} as const satisfies Record<string, { title: string; manner: Manner; swarms: number }>;

/** One of {@link PATHS}. */
type Path = keyof typeof PATHS;

/** A row: a tracker, and the least number of peers that it returned. */
interface Row {
  readonly contender: Contender;
  readonly returned: number;
}

/** @returns the scenario for one way of announcing: one table. */
export function measureTrackers(path: Path): (setting: Setting) => Promise<Table> {
  return async (setting) => {
    const { manner, ...rest } = PATHS[path];
    const swarms = setting.quick ? QUICK_SWARMS : rest.swarms;
    const population: Population = {
      seed: 1,
      swarms,
      peers: swarms * PEERS_PER_SWARM,
      sizes: "equal",
      distinctBy: "both",
    };
    const rows: Row[] = [];
    for (const server of await startServers(setting, path, population)) {
      await fill(setting.load, server, population);
      const kind = path === "udp" ? "udp" : "http";
      const returned = await countReturned(server, population, WANTED_PEERS, kind);
      if (returned < PEERS_PER_SWARM)
        console.log(`${server.name}: returns ${returned} peers where there are ${PEERS_PER_SWARM}`);
      const job = {
        requests: { kind: "mix", population },
        manner: server.closesConnections && path === "kept" ? "close" : manner,
        plain: server.compresses,
        sleeps: false,
      } as const;
      rows.push({ contender: { name: server.name, server, job }, returned });
    }
    const contenders = rows.map(({ contender }) => contender);
    const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
    for (const { server } of contenders) await server.stop();
    return makeTable(path, population, rows, samples);
  };
}

/** BTRT comes first, with its fastest engine, and opentracker after it: the others are compared with both. */
async function startServers(setting: Setting, path: Path, population: Population): Promise<Server[]> {
  const place = () => makePlace(setting);
  const servers: (Server | undefined)[] = [];
  for (const engine of setting.engines) servers.push(await startBtrt(place(), { engine, workers: 1 }));
  servers.push(await startOpentracker(place(), population));
  servers.push(
    path === "udp" ? await startAquatic(place()) : await startAquaticHttp(place(), path === "close"),
  );
  servers.push(await startTorrust(place()));
  servers.push(await startChihaya(place()));
  if (path !== "udp") servers.push(await startRetracker(place()));
  return servers.filter((server) => server !== undefined);
}

function makeTable(
  path: Path,
  { swarms, peers }: Population,
  rows: readonly Row[],
  samples: readonly Sample[][],
): Table {
  const cpu = samples.map(cpuOf);
  const opentracker = rows.findIndex(({ contender }) => contender.name.startsWith("opentracker"));
  const ratio = (row: number, to: number) =>
    to < 0 || to === row ? "" : formatSpread(ratioOf(cpu[row], cpu[to]), 2);
  const load = path === "udp" ? "128 datagrams" : `${CONNECTIONS} connections`;
  return {
    title: `Trackers: ${PATHS[path].title}`,
    notes: [
      `${formatCount(peers)} peers in ${formatCount(swarms)} swarms of ${PEERS_PER_SWARM} announce again, ${WANTED_PEERS} peers wanted; 6 % start or stop, some complete. A closed loop of ${load}.`,
      `BTRT has ${formatCount(PREFIXES)} prefixes in three groups of peers, an address per peer, and the policy nearest.`,
      "CPU is the server's whole process, user and system. Where it is busy for less than 100 % the load generator is slower.",
      "Returned: the least number of peers in a response to a new peer in a swarm, before the rounds.",
      ...(path === "udp"
        ? []
        : ["torrust would compress its responses; its clients do not offer to read that."]),
      ...(path === "kept" ? ["opentracker closes every connection."] : []),
    ],
    columns: [
      "server",
      "CPU per response, µs",
      "user",
      "to BTRT",
      "to opentracker",
      "responses/s",
      "busy",
      "p50 ms",
      "p99 ms",
      "returned",
      "response bytes",
      "sent again",
    ],
    rows: rows.map(({ contender, returned }, i) => {
      const median = (read: (sample: Sample) => number) => medianOf(samples[i], read);
      return [
        contender.name,
        formatSpread(spreadOf(cpu[i]), 1),
        `${(median(({ userShare }) => userShare) * 100).toFixed(0)} %`,
        ratio(i, 0),
        ratio(i, opentracker),
        formatCount(median(({ responses, seconds }) => responses / seconds)),
        `${(median(({ busy }) => busy) * 100).toFixed(0)} %`,
        median(({ latencyMs }) => latencyMs.p50).toFixed(2),
        median(({ latencyMs }) => latencyMs.p99).toFixed(2),
        `${returned} of ${PEERS_PER_SWARM}`,
        median(({ responseBytes }) => responseBytes).toFixed(0),
        formatCount(samples[i].reduce((sum, { resent }) => sum + resent, 0)),
      ];
    }),
  };
}
