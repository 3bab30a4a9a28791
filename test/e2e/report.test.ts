/** The monthly report of a running tracker: after an import, and with what the gate counted before a restart. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { test } from "node:test";
import type { History } from "../../src/admin/history.ts";
import type { Report } from "../../src/admin/report/report.ts";
import { GATE_COUNTERS } from "../../src/gate/report.ts";
import { HOUR } from "../../src/storage/group-totals.ts";
import { SqliteDatabase } from "../../src/storage/sqlite/sqlite-database.ts";
import { askAdmin } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { writeYear } from "../support/past-totals.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const LISTEN = 'workers: 1\nlisten: { http: ["127.0.0.1:0"], udp: [] }\n';

/** Runs a command to its end. @returns its output. */
async function btrt(bed: Bed, ...args: string[]): Promise<string> {
  const running = runBtrt(bed, args);
  assert.equal(await running.ended, 0, running.stderr);
  return running.stdout;
}

test("a report made after an import is that of the machine of the export", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const now = new Date();
  const thisMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) / 1000;
  const month = new Date(1000 * (thisMonth - HOUR)).toISOString().slice(0, 7);
  await mkdir(bed.path("old"));
  const database = await SqliteDatabase.open(bed.path("old/btrt.db"));
  await database.migrate();
  await writeYear(database, thisMonth + HOUR);
  await database.close();
  const configs = ["old", "new"].map((name) => ({
    name,
    text: `${LISTEN}database: { url: "sqlite:${name}/btrt.db" }\nreport: { price_per_mbit: 0.4 }\n`,
  }));
  for (const { name, text } of configs) await writeFile(bed.path(`${name}.conf`), text);
  await btrt(bed, "db", "export", bed.path("everything"), "--config", bed.path("old.conf"));
  await btrt(bed, "db", "create", "--config", bed.path("new.conf"));
  await btrt(bed, "db", "import", bed.path("everything"), "--config", bed.path("new.conf"));
  const reports: string[][] = [];
  for (const { name, text } of configs) {
    const tracker = await TrackerProcess.start(bed, text, { name });
    const ask = async (format: string) =>
      (await askAdmin(`${tracker.admin}api/v1/report?month=${month}&format=${format}`)).body;
    const json = (await ask("json")).replace(/"madeAt":"[^"]*"/, "");
    reports.push([json, await ask("csv"), await ask("html")]);
    await tracker.stop();
  }
  assert.deepEqual(reports[1], reports[0]);
  const report: Report = JSON.parse(reports[1][0].replace("{,", "{").replace(",,", ","));
  assert.ok(report.isComplete && report.total.avoidedBytes > 0 && Number(report.total.money) > 0);
  assert.ok(Number(report.gate?.refused) > 1e8, "what routers refused");
  assert.equal(Math.round(report.gate?.torrents ?? 0), 4200);
});

test("what routers refused for the gate survives a crash, and is in the report", {
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const config = `${LISTEN}database: { save_interval: 1 }
admin: { listen: "127.0.0.1:${await freePort()}" }
selection: { policy: bridged }
gate: { enabled: true }
peer_groups: [{ name: ours, priority: 0, cidr_list: [127.0.1.0/24] }]
`;
  const report = async ({ admin }: TrackerProcess, follower: string, count: number, countOnly = false) => {
    const counters = Object.fromEntries(GATE_COUNTERS.map((name) => [name, count]));
    const body = { follower: follower.padStart(16, "0"), router: "r1", version: 0, countOnly, counters };
    const headers = { "Content-Type": "application/json" };
    const sent = { method: "POST", headers, body: JSON.stringify(body) };
    assert.equal((await fetch(`${admin}api/v1/gate/report`, sent)).status, 200);
  };
  const history = async ({ admin }: TrackerProcess) => {
    const { points }: History = JSON.parse((await askAdmin(`${admin}api/v1/history?span=hour`)).body);
    return points.reduce((sum, { gate }) => sum + (gate?.refused ?? 0), 0);
  };
  const first = await TrackerProcess.start(bed, config);
  for (const count of [0, 100]) await report(first, "1", count);
  for (const count of [0, 7]) await report(first, "2", count, true);
  await until("it is saved", async () => (await history(first)) === 500);
  await first.process.stop("SIGKILL");
  const second = await TrackerProcess.start(bed, config);
  assert.equal(await history(second), 500);
  for (const count of [100, 110]) await report(second, "1", count);
  await until("what is new is added", async () => (await history(second)) === 550);
  const args = ["report", "--format", "json", "--config", bed.path("btrt.conf")];
  const { gate }: Report = JSON.parse(await btrt(bed, ...args));
  assert.deepEqual([gate?.refused, gate?.onlyCounted, gate?.exempted], [550, 35, 117]);
});
