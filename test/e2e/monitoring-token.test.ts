/** The token of a monitoring system: what it opens, and what it does not. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { statusSchema } from "../../src/admin/status.ts";
import { announce } from "../support/announce.ts";
import { askAdmin } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
peer_groups: [{ name: ours, priority: 0, cidr_list: ["127.0.0.0/8"] }]
`;
const TOKEN = "correct-horse-battery-staple";

test("the monitoring token opens figures alone, without addresses", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const monitoring = "monitoring-horse-battery";
  await writeFile(bed.path("token"), `${TOKEN}\n`);
  await writeFile(bed.path("monitoring"), `${monitoring}\n`);
  const config = `${CONFIG}admin: { listen: "127.0.0.1:0", token_file: token, monitoring_token_file: monitoring }
neighbors: [{ name: "127.0.0.99", announce_request: "http://127.0.0.99:9/announce?info_hash={info_hash}" }]
`;
  const tracker = await TrackerProcess.start(bed, config);
  const { admin, url } = tracker;
  await announce(url, { infoHash: Buffer.alloc(20, 0xab), port: 4711 });
  const ask = async (path: string, token: string) =>
    await askAdmin(admin + path, { headers: { Authorization: `Bearer ${token}` } });
  await until("the neighbor has failed", async () => {
    const { body } = await ask("api/v1/status", TOKEN);
    return statusSchema.parse(JSON.parse(body)).neighbors[0].failed > 0;
  });
  const explain = `api/v1/explain?info_hash=${"ab".repeat(20)}&address=127.0.1.1`;
  for (const path of ["api/v1/swarms", explain, "api/v1/hashlist", "api/v1/gate"]) {
    assert.equal((await ask(path, monitoring)).status, 403, path);
    assert.notEqual((await ask(path, TOKEN)).status, 403, path);
  }
  const open = [
    "",
    "page.js",
    "metrics",
    "api/v1/status",
    "api/v1/history",
    "api/v1/report",
    "api/v1/openapi.json",
  ];
  for (const path of open) {
    const { status, body } = await ask(path, monitoring);
    assert.equal(status, 200, path);
    if (!path.endsWith(".js")) assert.doesNotMatch(body, /127\.0\.0\.|abababab/, path);
  }
  const shown = statusSchema.parse(JSON.parse((await ask("api/v1/status", monitoring)).body));
  assert.deepEqual([shown.access, shown.neighbors[0].name, shown.peers], ["monitoring", "(address)", 1]);
  const full = await ask("api/v1/status", TOKEN);
  assert.match(full.body, /127\.0\.0\.99/);
  const events = await fetch(`${admin}api/v1/events`, { headers: { Authorization: `Bearer ${monitoring}` } });
  const reader = events.body?.getReader();
  const first = Buffer.from((await reader?.read())?.value ?? []).toString();
  await reader?.cancel();
  assert.match(first, /"access":"monitoring"/);
  assert.doesNotMatch(first, /127\.0\.0\./);
});
