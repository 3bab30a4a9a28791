/**
 * Measures the tracker, as a process:
 * `npm run bench -- [--only announces,trackers-udp,trackers-close,trackers-kept,policies,workers,memory,size,storage,
 * admin,hashlist,router,gaterouter,neighbors,asking,forwarding,attacks,catchup,cluster,replication,growth]
 * [--engine node|uring] [--rounds N] [--quick] [--write]`.
 * The server has one core, and what sends announces another.
 * Linux only.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { chooseEngine, type EngineKind } from "../src/engine/choice.ts";
import { Load } from "./load/load.ts";
import { measureAdmin } from "./scenarios/admin.ts";
import { measureAnnounces } from "./scenarios/announces.ts";
import { measureAsking } from "./scenarios/asking.ts";
import { measureAttacks } from "./scenarios/attacks.ts";
import { measureCatchUp } from "./scenarios/catch-up.ts";
import { measureCluster } from "./scenarios/cluster.ts";
import { measureForwarding } from "./scenarios/forwarding.ts";
import { measureGateRouter } from "./scenarios/gate-router.ts";
import { measureGrowth } from "./scenarios/growth.ts";
import { measureHashList } from "./scenarios/hash-list.ts";
import { measureMemory } from "./scenarios/memory.ts";
import { measureNeighbors } from "./scenarios/neighbors.ts";
import { measurePolicies } from "./scenarios/policies.ts";
import { measureReplication } from "./scenarios/replication.ts";
import { measureRouter } from "./scenarios/router.ts";
import { measureSize } from "./scenarios/size.ts";
import { measureStorage } from "./scenarios/storage.ts";
import { measureTrackers } from "./scenarios/trackers.ts";
import { measureWorkers } from "./scenarios/workers.ts";
import type { Setting } from "./setting.ts";
import { formatMarkdown, formatText, type Table } from "./table.ts";

const DOCUMENTS = fileURLToPath(new URL("../docs/benchmarks", import.meta.url));
const SCENARIOS: Readonly<Record<string, (setting: Setting) => Promise<Table | Table[]>>> = {
  announces: measureAnnounces,
  "trackers-udp": measureTrackers("udp"),
  "trackers-close": measureTrackers("close"),
  "trackers-kept": measureTrackers("kept"),
  policies: measurePolicies,
  workers: measureWorkers,
  memory: measureMemory,
  size: measureSize,
  storage: measureStorage,
  admin: measureAdmin,
  hashlist: measureHashList,
  router: measureRouter,
  gaterouter: measureGateRouter,
  neighbors: measureNeighbors,
  asking: measureAsking,
  forwarding: measureForwarding,
  attacks: measureAttacks,
  cluster: measureCluster,
  catchup: measureCatchUp,
  replication: measureReplication,
  growth: measureGrowth,
};

/** With more processes of others than this, figures are unreliable. */
const NOISY_LOAD = 0.5;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    engine: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

/** The cores that this process may use, as in "0-3,8". */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** The engines to measure: the requested one, or all that work here, the fastest first. */
async function findEngines(wanted: string | undefined): Promise<EngineKind[]> {
  if (wanted !== undefined && wanted !== "node" && wanted !== "uring")
    throw new Error("--engine takes node or uring");
  const { kind, because } = await chooseEngine(wanted ?? "auto");
  if (because !== undefined) console.log(`uring: left out: ${because}`);
  return wanted === undefined && kind === "uring" ? [kind, "node"] : [kind];
}

function describeMachine(rounds: number): string[] {
  const [load] = loadavg();
  const congestion = readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "latin1").trim();
  return [
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0].model}, Linux ${release()}, TCP ${congestion}, Node.js ${process.versions.node}`,
    `Medians of ${rounds} rounds, in turn, with (least–most). Ratios are taken within each round.`,
    ...(load > NOISY_LOAD
      ? [`The machine was busy at the start (load ${load.toFixed(1)}): figures are noisy.`]
      : []),
  ];
}

async function run(): Promise<void> {
  if (process.platform !== "linux") throw new Error("the benchmark needs Linux: /proc and taskset");
  const names = options.only?.split(",") ?? Object.keys(SCENARIOS);
  if (names.some((name) => !(name in SCENARIOS)))
    throw new Error(`--only takes ${Object.keys(SCENARIOS).join(",")}`);
  const rounds = Number(options.rounds ?? (options.quick ? 2 : 7));
  if (!(rounds >= 1)) throw new Error("--rounds takes a number");
  const engines = await findEngines(options.engine);
  const cores = allowedCores();
  if (cores.length < 2) console.log("only one core: server and load generator share it");
  const machine = describeMachine(rounds);
  console.log(`${machine.join("\n")}\n`);
  const directory = mkdtempSync(join(tmpdir(), "btrt-bench-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const setting: Setting = {
    directory,
    serverCore: cores[0],
    cores,
    engines,
    load: new Load(cores[cores.length - 1]),
    rounds,
    seconds: options.quick ? 0.5 : 2,
    quick: options.quick,
  };
  const tables: Table[] = [];
  for (const [name, measure] of Object.entries(SCENARIOS)) {
    if (!names.includes(name)) continue;
    const measured = [await measure(setting)].flat();
    for (const table of measured) console.log(formatText(table));
    tables.push(...measured);
  }
  setting.load.stop();
  if (options.write) write(machine, tables);
}

function write(machine: readonly string[], tables: readonly Table[]): void {
  const text = ["# Benchmark", machine.map((line) => `- ${line}`).join("\n"), ...tables.map(formatMarkdown)];
  mkdirSync(DOCUMENTS, { recursive: true });
  const name = `${new Date().toISOString().slice(0, 10)}-${options.only ?? "bench"}.md`;
  writeFileSync(join(DOCUMENTS, name), text.join("\n\n"));
}

// Processes that run for this one end when it exits.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
