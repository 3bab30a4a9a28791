/**
 * Measures the tracker, as a process, over HTTP: `npm run bench -- [--only http|memory|size] [--rounds N] [--quick]
 * [--write]`. The server has one core, and what sends announces another. Linux only: it reads /proc.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Load } from "./load/load.ts";
import { measureHttp } from "./scenarios/http.ts";
import { measureMemory } from "./scenarios/memory.ts";
import { measureSize } from "./scenarios/size.ts";
import type { Setting } from "./setting.ts";
import { formatMarkdown, formatText, type Table } from "./table.ts";

const DOCUMENTS = fileURLToPath(new URL("../docs/benchmarks", import.meta.url));
const SCENARIOS = { http: measureHttp, memory: measureMemory, size: measureSize };

/** Processes that others run at a time when figures begin to say little. */
const NOISY_LOAD = 0.5;

const { values: options } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});

/** The cores this process may use, as in "0-3,8". */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function describeMachine(rounds: number): string[] {
  const [load] = loadavg();
  return [
    `${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model}, Linux ${release()}, Node.js ${process.versions.node}`,
    `Medians of ${rounds} rounds, in turn, with (least–most). Ratios are taken within each round.`,
    ...(load > NOISY_LOAD
      ? [`The machine was busy at the start (load ${load.toFixed(1)}): figures are noisy.`]
      : []),
  ];
}

async function run(): Promise<void> {
  if (process.platform !== "linux") throw new Error("the benchmark needs Linux: /proc and taskset");
  const names = Object.keys(SCENARIOS).filter((name) => name === (options.only ?? name));
  if (names.length === 0) throw new Error(`--only takes one of ${Object.keys(SCENARIOS).join(", ")}`);
  const rounds = Number(options.rounds ?? (options.quick ? 2 : 7));
  if (!(rounds >= 1)) throw new Error("--rounds takes a number");
  const cores = allowedCores();
  if (cores.length < 2) console.log("only one core: server and load generator share it");
  const machine = describeMachine(rounds);
  console.log(`${machine.join("\n")}\n`);
  const directory = mkdtempSync(join(tmpdir(), "btrt-bench-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const setting: Setting = {
    directory,
    serverCore: cores[0],
    load: new Load(cores[cores.length - 1]),
    rounds,
    seconds: options.quick ? 0.5 : 3,
    quick: options.quick,
  };
  const tables: Table[] = [];
  for (const [name, measure] of Object.entries(SCENARIOS)) {
    if (!names.includes(name)) continue;
    const table = await measure(setting);
    console.log(formatText(table));
    tables.push(table);
  }
  setting.load.stop();
  if (options.write) write(machine, tables);
}

function write(machine: readonly string[], tables: readonly Table[]): void {
  const text = [
    "# Benchmark over HTTP",
    machine.map((line) => `- ${line}`).join("\n"),
    ...tables.map(formatMarkdown),
  ];
  mkdirSync(DOCUMENTS, { recursive: true });
  writeFileSync(join(DOCUMENTS, `${new Date().toISOString().slice(0, 10)}-http.md`), text.join("\n\n"));
}

// What runs for this process ends when it exits.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

try {
  await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
