/** What a cluster changes in the process of a tracker: the modules that it loads, and what follows a worker's crash. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { DEADLY_PORT } from "../support/deadly-port.ts";
import { NATS_TOOLS, type NatsServer, startNats } from "../support/nats.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const skip = toolsMissing(NATS_TOOLS);
const CRASHING = ["env", `NODE_OPTIONS=--import ${new URL("../support/dying.ts", import.meta.url)}`];
const SWARMS = 40;

/** Starts the tracker of a node; without a server, one that has no cluster. */
async function start(bed: Bed, name: string, nats?: NatsServer, by?: readonly string[]) {
  await writeFile(bed.path("secret"), `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
  const section = `cluster: { node: ${name}, servers: ["${nats?.url}"], secret_file: "${bed.path("secret")}" }`;
  const config = [
    'listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }',
    "workers: 1",
    `database: { url: "sqlite:${name}.db" }`,
    ...(nats === undefined ? [] : [section]),
  ].join("\n");
  return await TrackerProcess.start(bed, config, { name, ...(by !== undefined && { by }) });
}

async function caughtUp({ admin }: TrackerProcess): Promise<void> {
  await until("it has caught up", async () => (await askStatus(admin)).cluster?.state === "current");
}

test("without the section, no module of NATS is loaded", { skip, timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const [nats] = await startNats(bed);
  const loadedBy = async (name: string, server?: NatsServer) => {
    const file = bed.path(`${name}.modules`);
    const hook = new URL("../support/log-loaded-modules.ts", import.meta.url);
    const by = ["env", `LOADED_MODULES=${file}`, `NODE_OPTIONS=--import ${hook}`];
    const tracker = await start(bed, name, server, by);
    if (server !== undefined) await caughtUp(tracker);
    await announce(tracker.url, { infoHash: Buffer.alloc(20, 1), port: 7001 });
    await askStatus(tracker.admin);
    await tracker.stop();
    const urls = (await readFile(file, "utf8")).split("\n");
    assert.ok(urls.some((url) => url.endsWith("/data-plane/worker.ts")));
    return urls.filter((url) => /@nats-io|nats-bus|cluster\/thread\.ts/.test(url));
  };
  assert.notDeepEqual(await loadedBy("on", nats), []);
  assert.deepEqual(await loadedBy("off"), []);
});

test("swarms that a worker's crash has dropped are fetched from the other node", {
  skip,
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [nats] = await startNats(bed);
  const a = await start(bed, "a", nats, CRASHING);
  const b = await start(bed, "b", nats);
  for (const tracker of [a, b]) await caughtUp(tracker);
  const swarms = Array.from({ length: SWARMS }, (_, i) => Buffer.alloc(20, i + 1));
  for (const infoHash of swarms) await announce(a.url, { infoHash, port: 7001 });
  const known = async ({ url }: TrackerProcess) => {
    const counts = await Promise.all(
      swarms.map(async (infoHash) => (await scrape(url, infoHash)).incomplete),
    );
    return counts.reduce((sum, count) => sum + count);
  };
  await until("b knows all", async () => (await known(b)) === SWARMS);
  await assert.rejects(announce(a.url, { infoHash: swarms[0], port: DEADLY_PORT.exception }));
  const dropped = await a.logged("what is dropped", ({ msg }) => msg.includes("their swarms were dropped"));
  assert.ok(Number(dropped.swarms) > 1, String(dropped.swarms));
  await a.logged("the replacement", ({ msg }) => /worker is replaced/.test(msg));
  await until("a has all again", async () => (await known(a)) === SWARMS);
});
