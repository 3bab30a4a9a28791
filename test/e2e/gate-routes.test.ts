/** The gate of a real tracker: its lists over HTTP, as they are and as they change, and what routers report. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { createGunzip } from "node:zlib";
import { request } from "undici";
import { GateEventReader } from "../../src/gate/event-reader.ts";
import type { GateEvent } from "../../src/gate/protocol.ts";
import { GATE_COUNTERS } from "../../src/gate/report.ts";
import { announce } from "../support/announce.ts";
import { askAdmin, askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { freePort } from "../support/free-port.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const TORRENT = randomBytes(20);
const OTHER = randomBytes(20);
const hex = (infoHash: Buffer) => infoHash.toString("hex");

function configText(admin: number, prefix: string): string {
  return `listen: { http: ["127.0.0.1:0"], udp: [] }
admin: { listen: "127.0.0.1:${admin}" }
peer_groups: [{ name: ours, priority: 0, cidr_list: ["${prefix}"] }]
selection: { policy: bridged }
gate: { enabled: true }
`;
}

async function start(t: TestContext) {
  const bed = await Bed.open(t);
  const admin = await freePort();
  const tracker = await TrackerProcess.start(bed, configText(admin, "127.0.1.0/24"));
  const put = (host: number, infoHash = TORRENT, more: { readonly event?: "stopped" } = {}) =>
    announce(tracker.url, { infoHash, port: 7000, from: `127.0.1.${host}`, left: 100_000, ...more });
  return { bed, admin, tracker, put };
}

/** Follows the lists. The events so far are in `events`. */
async function follow(t: TestContext, url: string, encoding: "gzip" | "identity") {
  const stop = new AbortController();
  t.after(() => stop.abort());
  const headers = { Accept: "text/event-stream", "Accept-Encoding": encoding };
  const { statusCode, headers: answered, body } = await request(url, { headers, signal: stop.signal });
  assert.equal(statusCode, 200);
  assert.equal(answered["content-encoding"], encoding === "gzip" ? "gzip" : undefined);
  const events: GateEvent[] = [];
  const state = { events, ended: false };
  const reader = new GateEventReader();
  const read = async () => {
    for await (const bytes of encoding === "gzip" ? body.compose(createGunzip()) : body)
      events.push(...reader.read(bytes));
  };
  void read()
    .catch(() => {})
    .finally(() => {
      state.ended = true;
    });
  return state;
}

/** The lists that events add up to. */
function listsOf(events: readonly GateEvent[]): { hosts?: string[]; closed?: string[] } {
  const lists = new Map<string, Set<string>>();
  for (const event of events) {
    if (event.event !== "change") continue;
    for (const [list, elements] of Object.entries(event.add))
      for (const element of elements) lists.set(list, (lists.get(list) ?? new Set()).add(element));
    for (const [list, elements] of Object.entries(event.remove))
      for (const element of elements) lists.get(list)?.delete(element);
  }
  return Object.fromEntries([...lists].map(([list, elements]) => [list, [...elements].sort()]));
}

test("followers get the lists, and at once what changes; other programs get them as JSON", {
  timeout: 300_000,
}, async (t) => {
  const { tracker, put } = await start(t);
  const url = `${tracker.admin}api/v1/gate`;
  const early = await follow(t, url, "gzip");
  for (const host of [1, 2, 3]) await put(host);
  const expected = {
    refused: [`127.0.1.2 ${hex(TORRENT)}`, `127.0.1.3 ${hex(TORRENT)}`],
    closed: ["127.0.1.2 7000", "127.0.1.3 7000"],
    hosts: ["127.0.1.2", "127.0.1.3"],
  };
  await until("the early follower has all", () => listsOf(early.events).hosts?.length === 2);
  assert.deepEqual(listsOf(early.events), expected);
  const late = await follow(t, url, "identity");
  await until("the late follower is ready", () => late.events.at(-1)?.event === "alive");
  assert.deepEqual(listsOf(late.events), expected);
  assert.deepEqual(
    late.events.map(({ event }) => event),
    ["begin", "change", "change", "change", "ready", "alive"],
  );
  const { body } = await askAdmin(url);
  const { refused, closed, hosts, far, homes } = JSON.parse(body);
  assert.deepEqual({ refused, closed, hosts }, expected);
  assert.deepEqual(far, []);
  assert.deepEqual(homes, [{ id: 1, name: "ours", members: ["127.0.1.0/24"], inside: ["127.0.1.0/24"] }]);
  await put(3, OTHER);
  await put(3, TORRENT, { event: "stopped" });
  await until(
    "the endpoint opens with its only gated torrent",
    () => listsOf(late.events).closed?.length === 1,
  );
  await until("and for the early follower", () => listsOf(early.events).closed?.length === 1);
  assert.equal((await askStatus(tracker.admin)).gate?.closed, 1);
});

test("another home ends the streams; the next one has it", { timeout: 300_000 }, async (t) => {
  const { bed, admin, tracker, put } = await start(t);
  const url = `${tracker.admin}api/v1/gate`;
  for (const host of [1, 2]) await put(host);
  const before = await follow(t, url, "gzip");
  await until("it is ready", () => before.events.some(({ event }) => event === "ready"));
  await tracker.reload(configText(admin, "127.0.1.0/25"));
  await until("the stream ends", () => before.ended);
  const after = await follow(t, url, "gzip");
  await until("the other one begins", () => after.events.length > 0);
  const [begin] = after.events;
  assert.ok(begin.event === "begin");
  assert.deepEqual(begin.homes[0].members, ["127.0.1.0/25"]);
  void bed;
});

test("a router's report is counted; what is none, or comes without the method, is refused", {
  timeout: 300_000,
}, async (t) => {
  const { tracker } = await start(t);
  const url = `${tracker.admin}api/v1/gate/report`;
  const counters = Object.fromEntries(GATE_COUNTERS.map((name, i) => [name, i]));
  const report = { follower: "0123456789abcdef", router: "r1", version: 1, countOnly: false, counters };
  const headers = { "Content-Type": "application/json" };
  const post = (body: string) => askAdmin(url, { method: "POST", headers, body });
  assert.equal((await post(JSON.stringify(report))).status, 200);
  const { gate } = await askStatus(tracker.admin);
  assert.deepEqual(gate?.refusals[3], {
    reason: "endpoint",
    direction: "in",
    seen: 6,
    refused: 7,
    onlyCounted: 0,
  });
  assert.equal(gate?.routers[0].router, "r1");
  const isEstimated = async () => (await askStatus(tracker.admin)).gate?.estimated;
  await until("the estimate counts what it refuses", async () => (await isEstimated()) === true);
  await post(JSON.stringify({ ...report, follower: "0123456789abcde0", router: "r2", countOnly: true }));
  await until("another one only counts", async () => (await isEstimated()) === false);
  assert.equal((await post("{")).status, 400);
  assert.equal((await post(JSON.stringify({ ...report, follower: "x" }))).status, 400);
  assert.equal((await post(" ".repeat(20_000))).status, 413);
  assert.equal((await askAdmin(url)).status, 404);
  assert.equal((await askAdmin(`${tracker.admin}api/v1/gate`, { method: "POST" })).status, 405);
});

test("btrt explain says what the gate makes of a subscriber", { timeout: 300_000 }, async (t) => {
  const { bed, tracker, put } = await start(t);
  for (const host of [1, 2]) await put(host);
  await until("it is closed", async () => (await askStatus(tracker.admin)).gate?.closed === 1);
  const explain = async (host: string) => {
    const ran = runBtrt(bed, [
      "explain",
      "--info-hash",
      hex(TORRENT),
      "--address",
      host,
      "--config",
      bed.path("btrt.conf"),
    ]);
    assert.equal(await ran.ended, 0, ran.stderr);
    return ran.stdout;
  };
  assert.match(await explain("127.0.1.1"), /port 7000 {2}open in this torrent: a bridge of its home/);
  assert.match(await explain("127.0.1.2"), /port 7000 {2}closed in this torrent: its home can feed it/);
  assert.match(await explain("127.0.9.1"), /does not apply to its peer group/);
});

test("DPI boxes get files and single lists; a stop empties the files", { timeout: 300_000 }, async (t) => {
  const { bed, admin, tracker, put } = await start(t);
  const files = "enabled: true, path: dpi, formats: [text, csv, json], interval: 1";
  await tracker.reload(configText(admin, "127.0.1.0/24").replace("enabled: true", files));
  for (const host of [1, 2]) await put(host);
  const file = (ending: string) => readFileSync(bed.path(`dpi.${ending}`), "utf8");
  // A writing that began before the torrent was gated has it in its later files only. The next writing has it in all.
  await until("it is gated", () => existsSync(bed.path("dpi.status.json")) && file("gated.txt") !== "");
  await until("all is written", () => JSON.parse(file("status.json")).closed === 1);
  assert.equal(file("gated.txt"), `${hex(TORRENT)}\n`);
  assert.equal(file("closed.txt"), "127.0.1.2 7000\n");
  assert.equal(file("open.csv"), `address,info_hash\n127.0.1.1,${hex(TORRENT)}\n`);
  assert.deepEqual(JSON.parse(file("closed.json")), [{ address: "127.0.1.2", port: 7000 }]);
  const list = async (query: string) => (await askAdmin(`${tracker.admin}api/v1/gate?${query}`)).body;
  assert.equal(await list("list=gated&format=text"), `${hex(TORRENT)}\n`);
  assert.equal(await list("list=refused&format=csv"), `address,info_hash\n127.0.1.2,${hex(TORRENT)}\n`);
  assert.deepEqual(JSON.parse(await list("list=far")), []);
  assert.equal((await askAdmin(`${tracker.admin}api/v1/gate?list=all`)).status, 400);
  await tracker.stop();
  assert.equal(file("closed.txt"), "");
  assert.deepEqual(JSON.parse(file("open.json")), []);
  assert.equal(JSON.parse(file("status.json")).gated, 0);
});
