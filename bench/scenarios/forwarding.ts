/** The cost of ordinary announces while many clients wait for upstream trackers that hang. As root: it adds a route. */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { fill } from "../load/fill.ts";
import { fewSwarms, type Population } from "../load/population.ts";
import { type Contender, cpuOf, measureOnce, type Sample } from "../measure.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const CROWD = fileURLToPath(new URL("../load/waiting-crowd.ts", import.meta.url));
const WAITING = 10_000;

/** The maximum wait. Everything is measured within that time. */
const TIMEOUT_S = 30;
const ROUNDS = 5;
const SECONDS = 1.3;

/** Outside addresses, which are routed to this machine during the measurement. */
const OUTSIDE = ["route", "add", "local", "198.51.100.0/24", "dev", "lo"];

/** @returns one table. */
export async function measureForwarding(setting: Setting): Promise<Table> {
  const hanging = createServer((socket) => socket.on("error", () => {})).listen(0, "0.0.0.0");
  await once(hanging, "listening");
  execFileSync("ip", OUTSIDE);
  try {
    return await measureBeside(setting, Number(Object(hanging.address()).port));
  } finally {
    execFileSync("ip", OUTSIDE.with(1, "del"));
    hanging.close();
  }
}

async function measureBeside(setting: Setting, upstreamPort: number): Promise<Table> {
  const population = fewSwarms(setting.quick);
  const forwarding = { forwarded_announce: { sources: ["127.0.0.0/8"], timeout: TIMEOUT_S } };
  const contenders: Contender[] = [];
  for (const [name, keys] of [
    ["nobody may forward", {}],
    ["all may, nobody does", forwarding],
    [`${formatCount(WAITING)} wait`, { ...forwarding, listen: listenWith(WAITING) }],
  ] as const) {
    const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1, keys });
    await fill(setting.load, server, population);
    const job = { requests: { kind: "mix", population }, manner: 1, sleeps: false } as const;
    contenders.push({ name, server, job });
  }
  const { samples, answered } = await measureWith(setting, contenders, upstreamPort);
  for (const { server } of contenders) await server.stop();
  return makeTable(contenders, samples, answered, population);
}

function listenWith(max_waiting: number): object {
  return { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"], max_waiting };
}

/** Lets the crowd wait at the last contender, and measures all in turn. */
async function measureWith(
  setting: Setting,
  contenders: readonly Contender[],
  upstreamPort: number,
): Promise<{ samples: Sample[][]; answered: number }> {
  const samples: Sample[][] = contenders.map(() => []);
  const last: Server = contenders[contenders.length - 1].server;
  const crowd = fork(CROWD, [String(last.port), String(WAITING), String(upstreamPort)]);
  await once(crowd, "message");
  for (let round = 0; round <= ROUNDS; round++) {
    showProgress(round === 0 ? "a round to warm up" : `round ${round} of ${ROUNDS}`);
    for (const [i, { server, job }] of contenders.entries()) {
      const sample = await measureOnce(setting.load, server, { ...job, seconds: SECONDS });
      if (round > 0) samples[i].push(sample);
    }
  }
  crowd.send("answered?");
  const [answered] = await once(crowd, "message");
  crowd.disconnect();
  return { samples, answered };
}

function makeTable(
  contenders: readonly Contender[],
  samples: readonly Sample[][],
  answered: number,
  { swarms, peers }: Population,
): Table {
  const cpu = samples.map(cpuOf);
  const p99 = samples.map((each) => each.map(({ latencyMs }) => latencyMs.p99));
  return {
    title: "Ordinary announces while others wait for upstream trackers that hang",
    notes: [
      `${formatCount(peers)} peers in ${formatCount(swarms)} swarms announce again, keep-alive, a closed loop; medians of ${ROUNDS} rounds.`,
      `Those that wait are all there before the first round, each for a torrent of its own, at 250 trackers that take ` +
        `connections and say nothing; ${formatCount(answered)} of them had been answered after the last.`,
    ],
    columns: ["", "CPU per response, µs", "ratio", "wanted", "p99 ms", "p99 ratio", "wanted"],
    rows: contenders.map(({ name }, i) => [
      name,
      formatSpread(spreadOf(cpu[i]), 1),
      i === 0 ? "" : formatSpread(ratioOf(cpu[i], cpu[0]), 2),
      i === 0 ? "" : "≤ 1.05",
      formatSpread(spreadOf(p99[i]), 2),
      i === 0 ? "" : formatSpread(ratioOf(p99[i], p99[0]), 2),
      i === 0 ? "" : "≤ 1.05",
    ]),
  };
}
