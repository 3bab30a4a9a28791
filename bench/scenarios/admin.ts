/** The cost of the admin listener's answers and of the page, with few swarms and with many. */
import { setTimeout as delay } from "node:timers/promises";
import { type Browser, chromium } from "playwright-core";
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
/** How often the page is opened, and for how long its cost is measured. */
const VISITS = 5;
const WATCHED_MS = 10_000;

/** @returns one table of answers, and one of the page. */
export async function measureAdmin(setting: Setting): Promise<Table[]> {
  const answers: string[][] = [];
  const visits: string[][] = [];
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  for (const swarms of [FEW, setting.quick ? MANY / 20 : MANY]) {
    // Otherwise saving half a million swarms would be measured, too.
    const keys = { database: { save_interval: 3600 } };
    const server = await startBtrt(makePlace(setting), { engine: setting.engines[0], workers: 1, keys });
    const peers = swarms * PEERS_PER_SWARM;
    const population: Population = { seed: 1, swarms, peers, sizes: "zipf", distinctBy: "ip" };
    await fill(setting.load, server, population);
    for (const path of PATHS) answers.push([formatCount(swarms), `/${path}`, ...(await ask(server, path))]);
    visits.push([formatCount(swarms), ...(await visit(server, browser))]);
    await server.stop();
  }
  await browser.close();
  return [
    {
      title: "The admin listener",
      notes: [`${REQUESTS} requests, one after the other, on a kept connection; nobody announces.`],
      columns: ["swarms", "path", "ms", "CPU of the whole process per request, ms", "bytes"],
      rows: answers,
    },
    {
      title: "The page, in headless Chromium",
      notes: [
        `Opened ${VISITS} times: from then until its figures and its tables are there. Then it is watched for ` +
          `${WATCHED_MS / 1000} s, and as long without a page; nobody announces.`,
      ],
      columns: [
        "swarms",
        "ms until all is there",
        "CPU of the tracker while it is open, ms a second",
        "and while it is not",
      ],
      rows: visits,
    },
  ];
}

function adminOf(server: Server): string {
  return /"admin":"([^"]+)"/.exec(server.output)?.[1] ?? "";
}

async function ask(server: Server, path: string): Promise<string[]> {
  const admin = adminOf(server);
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

async function visit(server: Server, browser: Browser): Promise<string[]> {
  const took: number[] = [];
  const watch = async () => {
    const before = server.processorTime().all;
    await delay(WATCHED_MS);
    return (1e6 * (server.processorTime().all - before)) / WATCHED_MS;
  };
  const alone = await watch();
  let open = 0;
  for (let i = 0; i < VISITS; i++) {
    const began = performance.now();
    const page = await browser.newPage();
    await page.goto(adminOf(server));
    await page.waitForSelector('section[aria-label="Torrents by size"]');
    took.push(performance.now() - began);
    if (i === VISITS - 1) open = await watch();
    await page.close();
  }
  return [formatSpread(spreadOf(took), 0), open.toFixed(1), alone.toFixed(1)];
}
