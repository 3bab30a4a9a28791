/** The cost of asking three neighbors about every torrent, with many torrents. */
import { setTimeout as sleep } from "node:timers/promises";
import { fill } from "../load/fill.ts";
import type { Population } from "../load/population.ts";
import { startBtrt } from "../servers/btrt.ts";
import { countAnnounces, startNeighbor } from "../servers/neighbor.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { formatCount, type Table } from "../table.ts";

const POPULATION: Population = {
  seed: 9,
  swarms: 500_000,
  peers: 500_000,
  sizes: "equal",
  distinctBy: "ip",
};
const QUICK_DIVISOR = 20;
const NEIGHBORS = 3;
const REFRESH_SECONDS = 1800;
/** After the fill, all torrents are due at once. So the steady rate is measured. */
const RATE = Math.ceil(POPULATION.swarms / REFRESH_SECONDS);
/** Otherwise saving would be measured, too. */
const NEVER_SECONDS = 3600;
const SETTLE_MS = 3000;

/** One tracker without clients, which only asks neighbors. */
interface Reading {
  readonly asked: number;
  /** Processor time per second. */
  readonly mainThread: number;
  readonly process: number;
  readonly residentBytes: number;
}

/** @returns one table. */
export async function measureAsking(setting: Setting): Promise<Table> {
  const divisor = setting.quick ? QUICK_DIVISOR : 1;
  const population = {
    ...POPULATION,
    swarms: POPULATION.swarms / divisor,
    peers: POPULATION.peers / divisor,
  };
  const loadCore = setting.cores.slice(-1);
  const neighbors: Server[] = [];
  for (let i = 0; i < NEIGHBORS; i++) neighbors.push(await startNeighbor(makePlace(setting, loadCore)));
  const rows: string[][] = [];
  for (const asked of [[], neighbors])
    rows.push(format(asked.length, await measure(setting, population, asked)));
  for (const neighbor of neighbors) await neighbor.stop();
  return {
    title: "Asking three neighbors about 500,000 torrents",
    notes: [
      `${formatCount(population.peers)} peers in ${formatCount(population.swarms)} swarms have announced; nobody announces meanwhile. Each neighbor is asked at the rate at which it is with refresh_interval ${REFRESH_SECONDS}: ${RATE} a second. It names 4 peers.`,
      `On paper: ${formatCount(POPULATION.swarms)} / ${REFRESH_SECONDS} s = ${RATE} announces a second to each neighbor, of about 250 bytes, and answers of about 150 and 6 more a peer: 1 Mbit/s each. Memory: 8 MB a neighbor for when it was asked about what, 12 bytes a peer that it names.`,
      "Over HTTP, keep-alive. Processor time of the control plane's thread, and of the whole process, of one core.",
    ],
    columns: [
      "neighbors",
      "asked/s",
      "main thread",
      "process",
      "µs of the main thread per request",
      "resident MB",
    ],
    rows,
  };
}

async function measure(
  setting: Setting,
  population: Population,
  neighbors: readonly Server[],
): Promise<Reading> {
  const server = await startBtrt(makePlace(setting), {
    engine: setting.engines[0],
    workers: 1,
    keys: {
      database: { save_interval: NEVER_SECONDS },
      neighbors: neighbors.map(({ port }, i) => ({
        name: `neighbor ${i}`,
        announce_request: `http://127.0.0.1:${port}/announce?info_hash={info_hash}&peer_id={peer_id}&port={port}&left=1&numwant={numwant}`,
        refresh_interval: REFRESH_SECONDS,
        max_requests_per_second: RATE,
      })),
    },
  });
  await fill(setting.load, server, population);
  await sleep(SETTLE_MS);
  const count = async () => {
    const counts = await Promise.all(neighbors.map(countAnnounces));
    return counts.reduce((sum, each) => sum + each, 0);
  };
  const read = async () => ({
    asked: await count(),
    main: server.mainThreadTime().all,
    all: server.processorTime().all,
    at: performance.now(),
  });
  const before = await read();
  await sleep(setting.seconds * 5000);
  const after = await read();
  const seconds = (after.at - before.at) / 1000;
  const residentBytes = server.residentBytes();
  await server.stop();
  return {
    asked: (after.asked - before.asked) / seconds,
    mainThread: (after.main - before.main) / seconds,
    process: (after.all - before.all) / seconds,
    residentBytes,
  };
}

function format(neighbors: number, { asked, mainThread, process, residentBytes }: Reading): string[] {
  return [
    String(neighbors),
    formatCount(asked),
    `${(mainThread * 100).toFixed(1)} %`,
    `${(process * 100).toFixed(1)} %`,
    asked === 0 ? "" : ((mainThread / asked) * 1e6).toFixed(0),
    (residentBytes / 1e6).toFixed(0),
  ];
}
