/** The memory of a peer, measured at the real process. */
import { fill, ONCE } from "../load/fill.ts";
import type { Population } from "../load/population.ts";
import { startBtrt } from "../servers/btrt.ts";
import { startOpentracker } from "../servers/opentracker.ts";
import { makePlace, type Setting } from "../setting.ts";
import { formatCount, type Table } from "../table.ts";

/** Targets in bytes per peer: in swarms of 20 on average, and in swarms of one. */
const WANTED = { shared: 24, alone: 120 } as const;

/** BTRT's populations. */
const POPULATIONS: readonly Population[] = [
  { seed: 1, swarms: 100_000, peers: 2_000_000, sizes: "uniform", distinctBy: "ip" },
  { seed: 2, swarms: 100_000, peers: 2_000_000, sizes: "zipf", distinctBy: "ip" },
  { seed: 3, swarms: 1_000_000, peers: 1_000_000, sizes: "equal", distinctBy: "ip" },
];

/** opentracker's populations are smaller, because it does not accept addresses in announces. */
const COMPARED: readonly Population[] = [
  { seed: 4, swarms: 10_000, peers: 200_000, sizes: "equal", distinctBy: "source" },
  { seed: 5, swarms: 100_000, peers: 100_000, sizes: "equal", distinctBy: "source" },
];

/** Announces that warm up an empty tracker. */
const WARM_UP_PEERS = 200_000;
const QUICK_DIVISOR = 10;

/** @returns one table. */
export async function measureMemory(setting: Setting): Promise<Table> {
  const divisor = setting.quick ? QUICK_DIVISOR : 1;
  const scale = (population: Population) => ({
    ...population,
    swarms: population.swarms / divisor,
    peers: population.peers / divisor,
  });
  const rows: string[][] = [];
  for (const population of POPULATIONS.map(scale)) rows.push(await measureBtrt(setting, population));
  for (const population of COMPARED.map(scale)) {
    const row = await measureOpentracker(setting, population);
    if (row === undefined) break;
    rows.push(row);
  }
  return {
    title: "Memory of the process",
    notes: [
      "Read when it has not changed for some seconds: V8 collects the garbage of the start, and of the load, later.",
      "Resident set after every peer has announced once, less that of the empty tracker after its start, per IPv4 peer.",
      `Warm: less that of a tracker, still empty, that has answered ${formatCount(WARM_UP_PEERS)} announces of stopped peers.`,
      ...(setting.quick ? ["Quick: so few peers that what serving itself takes outweighs them."] : []),
    ],
    columns: [
      "server",
      "peers",
      "swarms",
      "sizes",
      "empty MB",
      "warm MB",
      "filled MB",
      "bytes a peer",
      "wanted",
      "less warm",
    ],
    rows,
  };
}

async function measureBtrt(setting: Setting, population: Population): Promise<string[]> {
  const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1 });
  const empty = await server.settledBytes();
  const peers = Math.min(population.peers, WARM_UP_PEERS);
  const requests = { kind: "stop", population: { ...population, peers, sizes: "equal" } } as const;
  await setting.load.perform(server, { ...ONCE, requests });
  const warm = await server.settledBytes();
  await fill(setting.load, server, population);
  const filled = await server.settledBytes();
  await server.stop();
  const wanted = population.peers === population.swarms ? WANTED.alone : WANTED.shared;
  return makeRow(server.name, population, [empty, warm, filled], `≤ ${wanted}`);
}

async function measureOpentracker(setting: Setting, population: Population): Promise<string[] | undefined> {
  const server = await startOpentracker(makePlace(setting), population);
  if (server === undefined) return undefined;
  const empty = await server.settledBytes();
  await fill(setting.load, server, population);
  const filled = await server.settledBytes();
  await server.stop();
  return makeRow(server.name, population, [empty, empty, filled], "");
}

function makeRow(
  name: string,
  { peers, swarms, sizes }: Population,
  [empty, warm, filled]: readonly number[],
  wanted: string,
): string[] {
  return [
    name,
    formatCount(peers),
    formatCount(swarms),
    sizes,
    ...[empty, warm, filled].map((bytes) => (bytes / 1e6).toFixed(1)),
    ((filled - empty) / peers).toFixed(1),
    wanted,
    ((filled - warm) / peers).toFixed(1),
  ];
}
