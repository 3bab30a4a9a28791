/** The cost of persistence: saving, loading, and the effect on announces. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MariaDb } from "../../test/support/mariadb.ts";
import { toolsMissing } from "../../test/support/tools.ts";
import { fill } from "../load/fill.ts";
import { manySwarms, type Population } from "../load/population.ts";
import { cpuOf, measureOnce, type Sample } from "../measure.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import type { Place, Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const CONNECTIONS = 32;
const STOP_LIMIT_MS = 120_000;

/** Seconds: a fifth of the default, so that every measurement includes a complete save. */
const SAVE_INTERVAL = 12;
const NEVER = 3600;
/** The number of torrents that change between two saves if two million peers announce every half hour. */
const ANNOUNCED_SWARMS = 10_000;
const MEASURED_SECONDS = 9;

/** A database, and the cost of storing the population in it. */
interface Kept {
  readonly name: string;
  readonly keys: object;
  readonly place: Place;
  readonly row: readonly string[];
}

/** @returns two tables. */
export async function measureStorage(setting: Setting): Promise<Table[]> {
  const population = manySwarms(setting.quick);
  const done: (() => Promise<void>)[] = [];
  const databases: [string, object, () => Promise<void>][] = [
    ["SQLite", { url: "sqlite:kept.db" }, async () => {}],
  ];
  if (toolsMissing(["mariadb-server"]) === false) {
    const server = await MariaDb.start({ after: (clear) => void done.push(clear) });
    // The server's processes use another core, as if it were on another machine.
    pin(server.pid, setting.cores[setting.cores.length - 1]);
    const keys = { ...(await server.makeSchema()), auto_upgrade: true };
    // The database only estimates its size, unless it is told to count.
    databases.push(["MariaDB", keys, () => server.execute(`ANALYZE TABLE ${keys.schema}.swarm`)]);
  }
  const kept: Kept[] = [];
  for (const [name, keys, look] of databases) {
    kept.push(await measureKeeping(setting, population, name, keys, look));
  }
  const announces = await measureAnnounces(setting, population, kept);
  for (const clear of done) await clear();
  return [keepingTable(population, kept), announces];
}

/** Fills a tracker, stops it, which saves everything, and starts it again, which loads everything. */
async function measureKeeping(
  setting: Setting,
  population: Population,
  name: string,
  keys: object,
  look: () => Promise<void>,
): Promise<Kept> {
  const place = makePlace(setting);
  const server = await start(setting, place, keys, NEVER);
  await fill(setting.load, server, population);
  showProgress(`${name}: saves, and loads`);
  const cpuBefore = server.processorTime().all;
  const saving = performance.now();
  const cpu = { after: cpuBefore };
  const watch = setInterval(() => {
    cpu.after = server.processorTime().all;
  }, 50);
  await server.stop(STOP_LIMIT_MS).finally(() => clearInterval(watch));
  const saveSeconds = (performance.now() - saving) / 1000;
  await look();
  const bytes = sizeOf(place);
  const loading = performance.now();
  const again = await start(setting, place, keys, NEVER);
  const readySeconds = (performance.now() - loading) / 1000;
  const loaded = /"swarms":(\d+),"peers":(\d+),.*"ms":(\d+),.*"swarms are loaded"/.exec(again.output);
  if (Number(loaded?.[1]) !== population.swarms || Number(loaded?.[2]) !== population.peers) {
    throw new Error(`${name}: not everything is loaded: ${again.output}`);
  }
  await again.stop();
  const row = [
    name,
    saveSeconds.toFixed(1),
    (((cpu.after - cpuBefore) / population.swarms) * 1e6).toFixed(1),
    (bytes / 1e6).toFixed(0),
    (bytes / population.peers).toFixed(0),
    (Number(loaded?.[3]) / 1000).toFixed(1),
    readySeconds.toFixed(1),
    "≤ 15",
  ];
  return { name, keys, place, row };
}

function start(setting: Setting, place: Place, databaseKeys: object, saveInterval: number): Promise<Server> {
  const database = { save_interval: saveInterval, ...databaseKeys };
  const keys = { database, logging: { level: "diagnostic" } };
  return startBtrt(place, { engine: setting.engines[0], workers: 1, keys });
}

/** Bytes on disk, as `btrt db status` reports them. */
function sizeOf({ directory }: Place): number {
  const args = [MAIN, "db", "status", "--config", join(directory, "btrt.conf")];
  const { stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const size = /^size +([\d,]+) MiB$/m.exec(stdout)?.[1] ?? "";
  return Number(size.replaceAll(",", "")) * 1024 * 1024;
}

function pin(pid: number, core: number): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(core), String(pid)], {
    stdio: "ignore",
  });
}

function keepingTable({ swarms, peers }: Population, kept: readonly Kept[]): Table {
  return {
    title: "Saving and loading",
    notes: [
      `${formatCount(peers)} IPv4 peers in ${formatCount(swarms)} swarms, all of which have changed: a clean stop writes them, a start reads them.`,
      "CPU is the tracker's process, not the server's. Ready: from the program's start until it listens.",
      ...(kept.length === 1 ? ["MariaDB is not installed here."] : []),
    ],
    columns: ["database", "stop s", "CPU per swarm, µs", "MB", "bytes a peer", "load s", "ready s", "wanted"],
    rows: kept.map(({ row }) => row),
  };
}

/** Trackers with everything loaded, side by side. One of them never saves. */
async function measureAnnounces(
  setting: Setting,
  population: Population,
  kept: readonly Kept[],
): Promise<Table> {
  const off = makePlace(setting);
  mkdirSync(off.directory, { recursive: true });
  const exported = join(off.directory, "swarms");
  btrtDb(kept[0].place, "export", exported);
  const servers = [await start(setting, off, { url: "sqlite:kept.db" }, NEVER)];
  await servers[0].stop();
  btrtDb(off, "import", exported);
  servers[0] = await start(setting, off, { url: "sqlite:kept.db" }, NEVER);
  for (const { place, keys } of kept) servers.push(await start(setting, place, keys, SAVE_INTERVAL));
  const seconds = setting.quick ? SAVE_INTERVAL / 5 : MEASURED_SECONDS;
  const job = {
    requests: { kind: "again", population, swarms: Math.min(ANNOUNCED_SWARMS, population.swarms) },
    manner: 1,
    sleeps: false,
    seconds,
  } as const;
  const samples: Sample[][] = servers.map(() => []);
  const rows: number[] = servers.map(() => 0);
  const { rounds } = setting;
  for (let round = 0; round < rounds; round++) {
    showProgress(`round ${round + 1} of ${rounds}`);
    for (const [i, server] of servers.entries()) {
      const before = server.output.length;
      samples[i].push(await measureOnce(setting.load, server, job));
      if (i > 0) rows[i] += await settle(server, before);
    }
  }
  for (const server of servers) await server.stop(STOP_LIMIT_MS);
  return announcesTable(
    ["off", ...kept.map(({ name }) => name)],
    samples,
    rows.map((sum) => sum / rounds),
    seconds,
  );
}

function btrtDb({ directory }: Place, command: string, file: string): void {
  execFileSync(process.execPath, [MAIN, "db", command, file, "--config", join(directory, "btrt.conf")]);
}

/** Waits until an idle tracker has saved everything. @returns rows written since. */
async function settle(server: Server, from: number): Promise<number> {
  const end = server.output.length;
  await server.waitUntil("has saved", () => server.output.indexOf("changes are saved", end) !== -1);
  const lines = [...server.output.slice(from).matchAll(/"rows":(\d+),[^\n]*"changes are saved"/g)];
  return lines.reduce((sum, [, rows]) => sum + Number(rows), 0);
}

function announcesTable(
  names: readonly string[],
  samples: readonly Sample[][],
  rows: readonly number[],
  seconds: number,
): Table {
  const cpu = samples.map(cpuOf);
  const p99 = samples.map((each) => each.map(({ latencyMs }) => latencyMs.p99));
  return {
    title: "Announces with saving on and off",
    notes: [
      `Peers of ${formatCount(ANNOUNCED_SWARMS)} swarms announce again: as many as change between two savings where 2 million peers announce every half hour.`,
      `Keep-alive, a closed loop of ${CONNECTIONS} connections, ${seconds} seconds each.`,
      `save_interval: ${SAVE_INTERVAL}, a fifth of the default. Tracker and saving share one core; MariaDB has the load generator's.`,
    ],
    columns: [
      "saving to",
      "CPU per response, µs",
      "ratio",
      "wanted",
      "rows saved",
      "responses/s",
      "p50 ms",
      "p99 ms",
      "p99 ratio",
    ],
    rows: names.map((name, i) => [
      name,
      formatSpread(spreadOf(cpu[i]), 1),
      formatSpread(ratioOf(cpu[i], cpu[0]), 2),
      i === 0 ? "" : "≤ 1.10",
      formatCount(rows[i]),
      formatCount(medianOf(samples[i], ({ responses, seconds: took }) => responses / took)),
      medianOf(samples[i], ({ latencyMs }) => latencyMs.p50).toFixed(2),
      formatSpread(spreadOf(p99[i]), 2),
      formatSpread(ratioOf(p99[i], p99[0]), 2),
    ]),
  };
}
