/** The cost of announces while a neighbor hangs: it accepts connections and datagrams, and never replies. */
import { HostileTracker, HostileUdpTracker } from "../../test/support/hostile-tracker.ts";
import { fill } from "../load/fill.ts";
import { fewSwarms, type Population } from "../load/population.ts";
import { type Contender, cpuOf, measureInTurn, type Sample } from "../measure.ts";
import { startBtrt } from "../servers/btrt.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

/** @returns one table. */
export async function measureNeighbors(setting: Setting): Promise<Table> {
  const population = fewSwarms(setting.quick);
  const http = await HostileTracker.start();
  const udp = await HostileUdpTracker.start();
  const neighbors: [name: string, url: string | undefined][] = [
    ["none", undefined],
    ["one that hangs, over HTTP", http.url("silent", "?info_hash={info_hash}&peer_id={peer_id}&port={port}")],
    ["one that hangs, over UDP", udp.url],
  ];
  const contenders: Contender[] = [];
  for (const [name, url] of neighbors) {
    const keys = url === undefined ? {} : { neighbors: [{ name: "hangs", announce_request: url }] };
    const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1, keys });
    await fill(setting.load, server, population);
    contenders.push({
      name,
      server,
      job: { requests: { kind: "mix", population }, manner: 1, sleeps: false },
    });
  }
  const samples = await measureInTurn(setting.load, contenders, setting.rounds, setting.seconds);
  const asked = [0, http.requests.length, udp.received.length];
  for (const { server } of contenders) await server.stop();
  await http.stop();
  udp.stop();
  if (asked.slice(1).includes(0)) throw new Error("a neighbor was not asked");
  return makeTable(contenders, samples, asked, population);
}

function makeTable(
  contenders: readonly Contender[],
  samples: readonly Sample[][],
  asked: readonly number[],
  { swarms, peers }: Population,
): Table {
  const cpu = samples.map(cpuOf);
  const p99 = samples.map((each) => each.map(({ latencyMs }) => latencyMs.p99));
  return {
    title: "Announces with a neighbor that hangs",
    notes: [
      `${formatCount(peers)} peers in ${formatCount(swarms)} swarms announce again, keep-alive, a closed loop.`,
      "CPU is the whole process, control plane and all, on one core. Asked: requests and datagrams that the neighbor took, all rounds together.",
    ],
    columns: [
      "neighbor",
      "asked",
      "CPU per response, µs",
      "ratio",
      "wanted",
      "p50 ms",
      "p99 ms",
      "p99 ratio",
      "wanted",
    ],
    rows: contenders.map(({ name }, i) => [
      name,
      formatCount(asked[i]),
      formatSpread(spreadOf(cpu[i]), 1),
      i === 0 ? "" : formatSpread(ratioOf(cpu[i], cpu[0]), 2),
      i === 0 ? "" : "≤ 1.05",
      medianOf(samples[i], ({ latencyMs }) => latencyMs.p50).toFixed(2),
      formatSpread(spreadOf(p99[i]), 2),
      i === 0 ? "" : formatSpread(ratioOf(p99[i], p99[0]), 2),
      i === 0 ? "" : "≤ 1.05",
    ]),
  };
}
