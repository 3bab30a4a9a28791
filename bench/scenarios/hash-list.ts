/** The cost of the hash list: time, memory, and the effect on announces. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { type Status, statusSchema } from "../../src/admin/status.ts";
import { keepComplete } from "../load/kept-population.ts";
import { manySwarms, type Population } from "../load/population.ts";
import { cpuOf, measureOnce, type Sample } from "../measure.ts";
import { showProgress } from "../progress.ts";
import { startBtrt } from "../servers/btrt.ts";
import type { Server } from "../servers/server.ts";
import { makePlace, type Setting } from "../setting.ts";
import { medianOf, ratioOf, spreadOf } from "../statistics.ts";
import { formatCount, formatSpread, type Table } from "../table.ts";

const MAX_ENTRIES = 100_000;
const FORMATS = ["text", "nftables"];

/** Seconds: the default is a scan a minute, and a list every ten minutes. */
const OFTEN = 20;
const SELDOM = 86_400;
const LISTS = 2;

/** @returns two tables. */
export async function measureHashList(setting: Setting): Promise<Table[]> {
  // All complete and inside: every torrent qualifies, until its peers announce again as incomplete.
  const population = manySwarms(setting.quick);
  const listed = { path: "list", formats: FORMATS, min_dwell: 0, min_peers: 4, max_entries: MAX_ENTRIES };
  const cases = [
    // Never enough copies: only the first word of a swarm is read.
    ["nothing to list", { ...listed, interval: SELDOM, min_complete: 100, leave_complete: 100 }],
    [`a list every ${OFTEN} s`, { ...listed, interval: OFTEN, min_complete: 1 }],
  ] as const;
  showProgress(`keeps ${formatCount(population.peers)} peers in a database`);
  const kept = join(setting.directory, "kept.db");
  await keepComplete(kept, population);
  const servers: Server[] = [];
  for (const [, hashlist] of cases) servers.push(await start(setting, kept, hashlist));
  const making = await measureMaking(servers, population);
  const announces = await measureAnnounces(setting, population, servers);
  for (const server of servers) await server.stop();
  return [
    making,
    announcesTable(
      cases.map(([name]) => name),
      announces,
    ),
  ];
}

function start(setting: Setting, kept: string, hashlist: object): Promise<Server> {
  const place = makePlace(setting);
  copyFileSync(kept, join(place.directory, "kept.db"));
  const keys = {
    hashlist,
    database: { url: "sqlite:kept.db", save_interval: 3600 },
    peer_groups: [{ name: "all", priority: 0, cidr_list: ["0.0.0.0/0"] }],
  };
  return startBtrt(place, { engine: setting.engines[0], workers: 1, keys });
}

/** Makes lists while no client announces. */
async function measureMaking([without, server]: readonly Server[], population: Population): Promise<Table> {
  showProgress("makes lists");
  const looks: Status["hashList"][] = [];
  let checkedAt: string | null = null;
  await server.waitUntil("everything is listed", async () => {
    const { hashList } = await statusOf(server);
    return hashList.entries + hashList.leftOut === population.swarms;
  });
  while (looks.length < LISTS) {
    await server.waitUntil("another list is made", async () => {
      const { hashList } = await statusOf(server);
      if (hashList.checkedAt === checkedAt) return false;
      looks.push(hashList);
      checkedAt = hashList.checkedAt;
      return true;
    });
  }
  const [before, after] = [await statusOf(without), await statusOf(server)];
  const work = medianOf(looks, ({ workSeconds }) => workSeconds);
  return {
    title: "Making the hash list",
    notes: [
      `${formatCount(population.peers)} peers in ${formatCount(population.swarms)} swarms, all of which qualify; the ${formatCount(MAX_ENTRIES)} largest are listed, as text and for nftables.`,
      "Nobody announces. Memory: of the whole process, more than that of a tracker that lists nothing.",
    ],
    columns: ["listed", "s from first look to last", "s of work", "µs of work per swarm", "MB more memory"],
    rows: [
      [
        formatCount(after.hashList.entries),
        medianOf(looks, ({ scanSeconds }) => scanSeconds).toFixed(1),
        work.toFixed(2),
        ((1e6 * work) / population.swarms).toFixed(2),
        ((after.memory.residentBytes - before.memory.residentBytes) / 1e6).toFixed(0),
      ],
    ],
  };
}

async function statusOf(server: Server): Promise<Status> {
  const admin = /"admin":"([^"]+)"/.exec(server.output)?.[1] ?? "";
  return statusSchema.parse(await (await fetch(`${admin}api/v1/status`)).json());
}

async function measureAnnounces(
  setting: Setting,
  population: Population,
  servers: readonly Server[],
): Promise<Sample[][]> {
  const job = {
    requests: { kind: "again", population, swarms: population.swarms / 50 },
    manner: 1,
    sleeps: false,
    seconds: setting.quick ? OFTEN / 4 : OFTEN,
  } as const;
  const samples: Sample[][] = servers.map(() => []);
  for (let round = 0; round < setting.rounds; round++) {
    showProgress(`round ${round + 1} of ${setting.rounds}`);
    for (const [i, server] of servers.entries())
      samples[i].push(await measureOnce(setting.load, server, job));
  }
  return samples;
}

function announcesTable(names: readonly string[], samples: readonly Sample[][]): Table {
  const cpu = samples.map(cpuOf);
  const p99 = samples.map((each) => each.map(({ latencyMs }) => latencyMs.p99));
  return {
    title: "Announces beside the making of lists",
    notes: [
      "Keep-alive, a closed loop of 32 connections. Tracker and list share one core, which has no time left.",
      "Leechers of a fiftieth of the swarms announce, where there were complete copies: these torrents leave.",
      `A list every ${OFTEN} seconds: the default is a look every 60 and a list every 600.`,
    ],
    columns: ["", "CPU per response, µs", "ratio", "responses/s", "p50 ms", "p99 ms", "p99 ratio", "wanted"],
    rows: names.map((name, i) => [
      name,
      formatSpread(spreadOf(cpu[i]), 1),
      formatSpread(ratioOf(cpu[i], cpu[0]), 2),
      formatCount(medianOf(samples[i], ({ responses, seconds }) => responses / seconds)),
      medianOf(samples[i], ({ latencyMs }) => latencyMs.p50).toFixed(2),
      formatSpread(spreadOf(p99[i]), 2),
      formatSpread(ratioOf(p99[i], p99[0]), 2),
      i === 0 ? "" : "≤ 1.05",
    ]),
  };
}
