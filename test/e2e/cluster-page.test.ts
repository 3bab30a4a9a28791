import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { announce, scrape } from "../support/announce.ts";
import { askStatus } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import {
  clusterSection,
  SECURED_NATS_TOOLS,
  type SecuredNode,
  startSecuredNats,
} from "../support/secured-nats.ts";
import { toolsMissing } from "../support/tools.ts";
import { runBtrt, TrackerProcess } from "../support/tracker-process.ts";

const HOST = "127.0.0.1";

test("two trackers with the files of btrt init --cluster share peers, and each shows both", {
  skip: toolsMissing(SECURED_NATS_TOOLS),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const nodes = await startSecuredNats(bed, ["a", "b"]);
  const [a, b] = await Promise.all(nodes.map((node) => startNode(bed, node)));
  const infoHash = Buffer.alloc(20, 7);
  await a.logged("the connection", ({ msg }) => msg === "connected to the nats-server");
  await a.logged(
    "the other node",
    ({ msg, node }) => msg === "a node has joined the cluster" && node === "b",
  );
  await announce(a.url, { infoHash, port: 7001, left: 0 });
  await until("b knows the peer of a", async () => (await scrape(b.url, infoHash)).complete === 1);
  const { peers } = await announce(b.url, { infoHash, port: 7002 });
  assert.deepEqual(peers, [`${HOST}:7001`]);

  await until("a has heard what b says of itself", async () => {
    const { cluster } = await askStatus(a.admin);
    const other = cluster?.nodes.find(({ node }) => node === "b");
    return cluster?.state === "current" && other?.state === "live" && other.summary?.ready === true;
  });
  const { cluster, warnings } = await askStatus(a.admin);
  assert.deepEqual([cluster?.sameName, cluster?.nodes.length], [false, 2]);
  assert.ok(!warnings.some((text) => text.includes("cluster")), String(warnings));
  const config = bed.path("asking.conf");
  await writeFile(config, `admin: { listen: "${new URL(a.admin).host}" }\n`);
  const asking = runBtrt(bed, ["cluster", "--config", config]);
  assert.equal(await asking.ended, 0, asking.stderr);
  assert.match(asking.stdout, /^btrt: connected to [\d.]+:4222, current\n/);
  assert.match(asking.stdout, /^a \(this\) +main +live +\d.*\nb +main +live +\d/m);

  await b.process.stop("SIGKILL");
  await a.logged("the silence", ({ msg }) => msg.startsWith("a node has left the cluster"));
  await until("a warns", async () => (await askStatus(a.admin)).warnings.includes("The node b is silent."));
});

/** Starts the tracker of a node, with a database of its own. */
function startNode(bed: Bed, node: SecuredNode): Promise<TrackerProcess> {
  const listen = `listen: { http: ["${HOST}:0"], udp: ["${HOST}:0"] }`;
  const database = `database: { url: "sqlite:${node.name}.db" }`;
  return TrackerProcess.start(bed, `workers: 1\n${listen}\n${database}\n${clusterSection(node)}\n`, {
    name: node.name,
  });
}
