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

const WANTED_RATIO = "≤ 1.30";
const PEERS_PER_SWARM = 10;
const SMALL_TRACKER_PEERS = 1000;

/** The size of the large populations. */
const LARGE = { swarm: 1_000_000, tracker: 10_000_000 } as const;
const QUICK_LARGE = { swarm: 100_000, tracker: 200_000 } as const;

/** A row of the table. */
interface Case {
  readonly contender: Contender;
  /** The number of the row with which it is compared, and the target of the ratio. */
  readonly comparedWith: number;
  readonly wanted: string;
}

/** @returns one table. */
export async function measureSize(setting: Setting): Promise<Table> {
  const large = setting.quick ? QUICK_LARGE : LARGE;
  const common = { sizes: "equal", distinctBy: "ip" } as const;
  const smallSwarm: Population = { ...common, seed: 1, swarms: 1, peers: PEERS_PER_SWARM };
  const largeSwarm: Population = { ...common, seed: 2, swarms: 1, peers: large.swarm };
  const few: Population = {
    ...common,
    seed: 3,
    swarms: SMALL_TRACKER_PEERS / PEERS_PER_SWARM,
    peers: SMALL_TRACKER_PEERS,
  };
  const many: Population = {
    ...common,
    seed: 4,
    swarms: large.tracker / PEERS_PER_SWARM,
    peers: large.tracker,
  };
  const maxPeers = large.tracker + 2 * large.swarm;
  const settings = { engine: setting.engines[0], workers: 1, maxPeers };
  const smallTracker = await startBtrt(makePlace(setting), settings);
  const largeTracker = await startBtrt(makePlace(setting), settings);
  await fill(setting.load, smallTracker, few);
  for (const population of [smallSwarm, largeSwarm, many]) await fill(setting.load, largeTracker, population);
  const tracker = (peers: number) => `a tracker of ${formatCount(peers)} peers`;
  const cases: Case[] = [
    makeCase("a swarm of 10 peers", largeTracker, smallSwarm, 1, 0),
    makeCase(`a swarm of ${formatCount(large.swarm)} peers`, largeTracker, largeSwarm, 1, 0, WANTED_RATIO),
    makeCase(tracker(few.peers), smallTracker, few, few.swarms, 2),
    makeCase(`${tracker(many.peers)}, in as many swarms`, largeTracker, many, few.swarms, 2, WANTED_RATIO),
    makeCase(`${tracker(many.peers)}, in all swarms`, largeTracker, many, many.swarms, 2),
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
  swarms: number,
  comparedWith: number,
  wanted = "",
): Case {
  const job = {
    requests: { kind: "again", population, swarms },
    manner: 1,
    sleeps: false,
  } as const;
  return { contender: { name, server, job }, comparedWith, wanted };
}

function makeTable(cases: readonly Case[], samples: readonly Sample[][]): Table {
  const cpu = samples.map(cpuOf);
  return {
    title: "Announces by size of swarm and tracker",
    notes: [
      `Peers that announce again, 9 peers wanted and given; keep-alive, a closed loop of ${CONNECTIONS} connections.`,
      "Of the large tracker, as many swarms as the small one has fit into the processor's caches, and all swarms do not.",
      "The small and the large swarm are in the large tracker.",
    ],
    columns: [
      "announces in",
      "CPU per response, µs",
      "ratio",
      "wanted",
      "responses/s",
      "p50 ms",
      "p99 ms",
      "max ms",
      "response bytes",
    ],
    rows: cases.map(({ contender, comparedWith, wanted }, i) => {
      return [
        contender.name,
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
