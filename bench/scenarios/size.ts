/** Whether an announce costs more in a larger swarm, or in a larger tracker. */
import { fill } from "../load/fill.ts";
import { CONNECTIONS } from "../load/http-load.ts";
import type { Population } from "../load/population.ts";
import { type Contender, cpuOf, measureInTurn, type Sample } from "../measure.ts";
import { startBtrt } from "../servers/btrt.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

/** Targets of the ratios: of a large swarm, and of a large tracker. */
const WANTED = { swarm: "≤ 1.30", tracker: "≤ 1.20" } as const;
const PEERS_PER_SWARM = 13;

/** The number of small swarms in a small tracker, and in a large one: 1,001 peers, and ten million. */
const FEW_SWARMS = 77;
const MANY_SWARMS = 770_000;
const QUICK_MANY_SWARMS = 15_400;

/** Peers of the large swarm. */
const LARGE_SWARM = 1_000_000;
const QUICK_LARGE_SWARM = 100_000;

/** How is announced. */
const PATHS = { kept: { name: "HTTP, kept", manner: 1 }, udp: { name: "UDP", manner: "udp" } } as const;
type Path = (typeof PATHS)[keyof typeof PATHS];

/** A row of the table. */
interface Case {
  readonly contender: Contender;
  readonly path: string;
  /** The number of the row with which it is compared, and the target of the ratio. */
  readonly comparedWith: number;
  readonly wanted: string;
}

/** @returns one table. */
export async function measureSize(setting: Setting): Promise<Table> {
  const [largeSwarmPeers, manySwarms] = setting.quick
    ? [QUICK_LARGE_SWARM, QUICK_MANY_SWARMS]
    : [LARGE_SWARM, MANY_SWARMS];
  const common = { sizes: "equal", distinctBy: "ip" } as const;
  const smallSwarm: Population = { ...common, seed: 1, swarms: 1, peers: PEERS_PER_SWARM };
  const largeSwarm: Population = { ...common, seed: 2, swarms: 1, peers: largeSwarmPeers };
  const few: Population = { ...common, seed: 3, swarms: FEW_SWARMS, peers: FEW_SWARMS * PEERS_PER_SWARM };
  const many: Population = { ...common, seed: 4, swarms: manySwarms, peers: manySwarms * PEERS_PER_SWARM };
  // Most peers are in no group, and a part of all places is kept for members of groups.
  const maxPeers = 2 * (many.peers + largeSwarmPeers);
  const settings = { engine: setting.engines[0], workers: 1, maxPeers };
  const smallTracker = await startBtrt(makePlace(setting), settings);
  const largeTracker = await startBtrt(makePlace(setting), settings);
  await fill(setting.load, smallTracker, few);
  for (const population of [smallSwarm, largeSwarm, many]) await fill(setting.load, largeTracker, population);
  const inSwarm = (population: Population): Case => {
    const name = `a swarm of ${formatCount(population.peers)} peers`;
    const wanted = population === largeSwarm ? WANTED.swarm : "";
    return makeCase(name, largeTracker, population, { path: PATHS.kept, swarms: 1, comparedWith: 0, wanted });
  };
  const inTracker = (path: Path, comparedWith: number): Case[] => {
    const name = ({ peers }: Population) => `a tracker of ${formatCount(peers)} peers`;
    const common = { path, comparedWith } as const;
    return [
      makeCase(name(few), smallTracker, few, { ...common, swarms: few.swarms }),
      makeCase(`${name(many)}, in as many swarms`, largeTracker, many, { ...common, swarms: few.swarms }),
      makeCase(`${name(many)}, in all swarms`, largeTracker, many, {
        ...common,
        swarms: many.swarms,
        wanted: WANTED.tracker,
      }),
    ];
  };
  const cases = [
    inSwarm(smallSwarm),
    inSwarm(largeSwarm),
    ...inTracker(PATHS.kept, 2),
    ...inTracker(PATHS.udp, 5),
  ];
  const contenders = cases.map(({ contender }) => contender);
  const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
  for (const server of [smallTracker, largeTracker]) await server.stop();
  return makeTable(cases, samples);
}

function makeCase(
  name: string,
  server: Server,
  population: Population,
  {
    path,
    swarms,
    comparedWith,
    wanted = "",
  }: { path: Path; swarms: number; comparedWith: number; wanted?: string },
): Case {
  const job = {
    requests: { kind: "again", population, swarms },
    manner: path.manner,
    sleeps: false,
  } as const;
  return { contender: { name, server, job }, path: path.name, comparedWith, wanted };
}

function makeTable(cases: readonly Case[], samples: readonly Sample[][]): Table {
  const cpu = samples.map(cpuOf);
  return {
    title: "Announces by size of swarm and tracker",
    notes: [
      `Peers that announce again, 9 peers wanted and returned; a closed loop of ${CONNECTIONS} connections, or 128 datagrams.`,
      "Of the large tracker, as many swarms as the small one has fit into the processor's caches, and all swarms do not.",
      "The small and the large swarm are in the large tracker.",
    ],
    columns: [
      "announces in",
      "path",
      "CPU per response, µs",
      "ratio",
      "wanted",
      "responses/s",
      "p50 ms",
      "p99 ms",
      "max ms",
      "response bytes",
    ],
    rows: cases.map(({ contender, path, comparedWith, wanted }, i) => {
      return [
        contender.name,
        path,
        formatSpread(spreadOf(cpu[i]), 1),
        formatSpread(ratioOf(cpu[i], cpu[comparedWith]), 2),
        wanted,
        formatCount(medianOf(samples[i], ({ responses, seconds }) => responses / seconds)),
        medianOf(samples[i], ({ latencyMs }) => latencyMs.p50).toFixed(2),
        medianOf(samples[i], ({ latencyMs }) => latencyMs.p99).toFixed(2),
        Math.max(...samples[i].map(({ latencyMs }) => latencyMs.max)).toFixed(2),
        medianOf(samples[i], ({ responseBytes }) => responseBytes).toFixed(0),
      ];
    }),
  };
}
