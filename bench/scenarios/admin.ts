/** What looking at the tracker takes: the admin listener's answers, with few swarms and with many. */
import { fill } from "../load/fill.ts";
import type { Population } from "../load/population.ts";
import { startBtrt } from "../servers/btrt.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const PATHS = ["metrics", "api/v1/status", "api/v1/swarms"] as const;
const REQUESTS = 30;
const FEW = 1000;
const MANY = 500_000;
const PEERS_PER_SWARM = 4;

/** @returns one table. */
export async function measureAdmin(setting: Setting): Promise<Table> {
  const rows: string[][] = [];
  for (const swarms of [FEW, setting.quick ? MANY / 20 : MANY]) {
    const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1 });
    const peers = swarms * PEERS_PER_SWARM;
    const population: Population = { seed: 1, swarms, peers, sizes: "zipf", distinctBy: "ip" };
    await fill(setting.load, server, population);
    for (const path of PATHS) rows.push([formatCount(swarms), `/${path}`, ...(await ask(server, path))]);
    await server.stop();
  }
  return {
    title: "The admin listener",
    notes: [`${REQUESTS} requests, one after the other, on a kept connection; nobody announces.`],
    columns: ["swarms", "path", "ms", "CPU of the whole process per request, ms", "bytes"],
    rows,
  };
}

async function ask(server: Server, path: string): Promise<string[]> {
  const [, admin] = /"admin":"([^"]+)"/.exec(server.output) ?? [];
  const took: number[] = [];
  let bytes = 0;
  const before = server.processorTime().all;
  for (let i = 0; i < REQUESTS; i++) {
    const began = performance.now();
    const response = await fetch(admin + path);
    bytes = (await response.arrayBuffer()).byteLength;
    took.push(performance.now() - began);
  }
  const cpu = ((server.processorTime().all - before) / REQUESTS) * 1000;
  return [formatSpread(spreadOf(took), 1), cpu.toFixed(1), formatCount(bytes)];
}
