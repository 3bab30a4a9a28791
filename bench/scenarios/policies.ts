/** The cost of an announce with `selection.policy: bridged`, compared with `nearest`; and with the gate, without it. */
import { fill } from "../load/fill.ts";
import type { Manner } from "../load/job.ts";
import type { Population } from "../load/population.ts";
import { type Contender, cpuOf, measureInTurn } from "../measure.ts";
import { startBtrt } from "../servers/btrt.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const PEERS = 60_000;
const QUICK_DIVISOR = 20;
const SWARM_SIZES = [10, 60];
const MANNERS: [name: string, manner: Manner][] = [
  ["a connection per announce", "close"],
  ["keep-alive", 1],
  ["pipelined", 16],
];

/** What downloads do, and the paths that are measured with it. */
const LOADS = [
  { name: "", getsOn: true, manners: MANNERS },
  { name: ", no progress", getsOn: false, manners: MANNERS.slice(1, 2) },
] as const;

/** Each is compared with the one before it. */
const CASES = [
  { name: "nearest", keys: { selection: { policy: "nearest" } }, wanted: "" },
  { name: "bridged", keys: { selection: { policy: "bridged" } }, wanted: "≤ 1.10" },
  {
    name: "bridged, gate on",
    keys: { selection: { policy: "bridged" }, gate: { enabled: true } },
    wanted: "≤ 1.02",
  },
] as const;

/** @returns one table. */
export async function measurePolicies(setting: Setting): Promise<Table> {
  const peers = setting.quick ? PEERS / QUICK_DIVISOR : PEERS;
  const contenders: Contender[] = [];
  for (const size of SWARM_SIZES) {
    const population: Population = {
      seed: 1,
      swarms: peers / size,
      peers,
      sizes: "equal",
      distinctBy: "source",
    };
    const servers = [];
    for (const { name, keys } of CASES) {
      const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1, keys });
      server.name = name;
      await fill(setting.load, server, population);
      servers.push(server);
    }
    for (const { name: load, getsOn, manners } of LOADS)
      for (const [name, manner] of manners)
        for (const server of servers)
          contenders.push({
            name: `${name}, swarms of ${size}${load}`,
            server,
            job: { requests: { kind: "mix", population, getsOn }, manner, sleeps: false },
          });
  }
  const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
  for (const server of new Set(contenders.map(({ server }) => server))) await server.stop();
  const cpu = samples.map(cpuOf);
  return {
    title: "Announces with `bridged`",
    notes: [
      `${formatCount(peers)} peers announce again, three of four leechers, all of them in one home; 50 peers wanted.`,
      "Downloads have less left with each announce, except where the path says so. 6 % of announces are of clients that come or go.",
      "CPU is the server's whole process. An answer of `bridged` may hold fewer peers.",
    ],
    columns: ["path", "policy", "CPU per response, µs", "to the one before", "wanted", "response bytes"],
    rows: contenders.map(({ name, server }, i) => [
      name,
      server.name,
      formatSpread(spreadOf(cpu[i]), 2),
      i % CASES.length === 0 ? "" : formatSpread(ratioOf(cpu[i], cpu[i - 1]), 2),
      CASES[i % CASES.length].wanted,
      medianOf(samples[i], ({ responseBytes }) => responseBytes).toFixed(0),
    ]),
  };
}
