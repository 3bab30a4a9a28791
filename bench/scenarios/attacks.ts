/** The effect on honest clients if one address takes all it can get. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fill } from "../load/fill.ts";
import type { Job } from "../load/job.ts";
import { fewSwarms } from "../load/population.ts";
import { measureOnce, type Sample } from "../measure.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { ratioOf, spreadOf } from "../statistics.ts";
import { formatSpread, type Table } from "../table.ts";

const ATTACKER = fileURLToPath(new URL("../load/attacker.ts", import.meta.url));

/** Fewer than the idle attacker opens. */
const CONNECTIONS = 2000;
const SECONDS = 1.5;
const PAGE_BYTES = 4096;

const ATTACKS = {
  idle: "5,000 idle connections, opened again",
  unread: "400 that read nothing",
  pipelined: "4 × 11 MB of announces, again and again",
} as const;
type Attack = keyof typeof ATTACKS;

/** One round of one attack: before it, and during it. */
interface Pair {
  readonly quiet: Sample;
  readonly attacked: Sample;
  /** Memory of all TCP sockets of the machine, minus that before the attack. */
  readonly kernelBytes: number;
}

/** @returns one table. */
export async function measureAttacks(setting: Setting): Promise<Table> {
  const population = fewSwarms(setting.quick);
  const sleeps = setting.cores.length < 3;
  const job = { requests: { kind: "mix", population }, manner: "close", sleeps } as const;
  const rows: string[][] = [];
  for (const engine of setting.engines) {
    const keys = {
      listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"], max_connections: CONNECTIONS },
    };
    const server = await startBtrt(makePlace(setting), { engine, workers: 1, keys });
    await fill(setting.load, server, population);
    for (const attack of ["idle", "unread", "pipelined"] as const) {
      const pairs: Pair[] = [];
      for (let round = 0; round <= setting.rounds; round++) {
        showProgress(`${engine}, ${attack}: round ${round} of ${setting.rounds}`);
        const pair = await measurePair(setting, server, attack, job);
        if (round > 0) pairs.push(pair);
      }
      rows.push(format(engine, attack, pairs));
    }
    await server.stop();
  }
  return {
    title: "Honest announces while one address takes what it can get",
    notes: [
      `A connection per announce, a closed loop; max_connections ${CONNECTIONS}. Every honest announce is answered, else nothing would be shown.`,
      "Each round is measured without the attack, and then with it; ratios are taken within the round. Without a third core the attacker shares that of the load generator, which then sleeps for a millisecond at a time.",
      "Kernel memory: what all TCP sockets of the machine hold, more than before the attack.",
    ],
    columns: ["engine", "attack", "p99 ms without", "p99 ms", "ratio", "wanted", "kernel memory, MB"],
    rows,
  };
}

async function measurePair(
  setting: Setting,
  server: Server,
  attack: Attack,
  job: Omit<Job, "port" | "seconds">,
): Promise<Pair> {
  const measure = () => measureOnce(setting.load, server, { ...job, seconds: SECONDS });
  const quiet = await measure();
  const before = tcpBytes();
  const attacker = start(setting, attack, server.port);
  await once(attacker, "message");
  const attacked = await measure();
  const kernelBytes = tcpBytes() - before;
  const ended = once(attacker, "exit");
  attacker.disconnect();
  await ended;
  return { quiet, attacked, kernelBytes };
}

function start({ cores }: Setting, attack: Attack, port: number): ChildProcess {
  const core = cores.length > 2 ? cores[1] : cores[cores.length - 1];
  const pinned = ["-c", String(core), "nice", "-n", "5", process.execPath];
  return fork(ATTACKER, [attack, String(port)], { execPath: "taskset", execArgv: pinned });
}

/** Memory of all TCP sockets (proc_net(5), sockstat). */
function tcpBytes(): number {
  const pages = /^TCP:.* mem (\d+)/m.exec(readFileSync("/proc/net/sockstat", "latin1"))?.[1];
  return Number(pages) * PAGE_BYTES;
}

function format(engine: string, attack: Attack, pairs: readonly Pair[]): string[] {
  const quiet = pairs.map((pair) => pair.quiet.latencyMs.p99);
  const attacked = pairs.map((pair) => pair.attacked.latencyMs.p99);
  return [
    engine,
    ATTACKS[attack],
    formatSpread(spreadOf(quiet), 2),
    formatSpread(spreadOf(attacked), 2),
    formatSpread(ratioOf(attacked, quiet), 2),
    "≤ 3",
    formatSpread(spreadOf(pairs.map(({ kernelBytes }) => kernelBytes / 1e6)), 0),
  ];
}
