import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Bed } from "../../../test/support/bed.ts";
import { clusterStatus, nodeStatus } from "../../../test/support/cluster-status.ts";
import {
  clusterSection,
  SECURED_NATS_TOOLS,
  type SecuredNode,
  startSecuredNats,
} from "../../../test/support/secured-nats.ts";
import { toolsMissing } from "../../../test/support/tools.ts";
import { NodeSummaries } from "../../admin/cluster/node-summaries.ts";
import { clusterPanel } from "../../admin/panels/cluster-panel.ts";
import { readTotals } from "../../admin/readings.ts";
import type { Status } from "../../admin/status.ts";
import type { ClusterStatus } from "../../cluster/status.ts";
import { makeRefusedCounts } from "../../cluster/status.ts";
import { loadConfig } from "../../config/load.ts";
import { allocateCounters } from "../../model/counters.ts";
import { checkCluster } from "./cluster.ts";
import type { Finding, Subject } from "./finding.ts";

const TOTALS = readTotals({ counters: [allocateCounters()], activity: [] });

/** The status of a tracker in this cluster; only the part that the check reads. */
function runningIn(status: ClusterStatus): Status {
  const settings = { name: "btrt", node: "a", site: "main" };
  const summaries = new NodeSummaries();
  return clusterPanel(() => ({ settings, status, summaries })).read(TOTALS) as Status;
}

/** Runs the check with a section `cluster`. */
async function check(bed: Bed, section: string, running?: Status): Promise<readonly Finding[]> {
  const configFile = bed.path("btrt.conf");
  await writeFile(configFile, `${section}\n`);
  const loaded = await loadConfig({ configFile });
  assert.ok(loaded.config !== null, JSON.stringify(loaded.problems));
  const subject: Pick<Subject, "loaded" | "running"> = { loaded, running };
  return await checkCluster(subject as Subject);
}

const textsOf = (findings: readonly Finding[]) => findings.map(({ verdict, text }) => `${verdict} ${text}`);

test("each server is tried as the tracker does", {
  skip: toolsMissing(SECURED_NATS_TOOLS),
  timeout: 300_000,
}, async (t) => {
  const bed = await Bed.open(t);
  const [a, b] = await startSecuredNats(bed, ["a", "b"]);
  const both = clusterSection(a, { servers: [a.server.tlsUrl, b.server.tlsUrl] });
  const good = await check(bed, both);
  assert.match(textsOf(good)[0], /^ok tls:\/\/[\d.]+:4222: nats-server [\d.]+ accepts this node$/);
  assert.deepEqual(
    good.map(({ verdict }) => verdict),
    ["ok", "ok", "unknown"],
    String(textsOf(good)),
  );

  assert.match(
    textsOf(await check(bed, clusterSection(a, { credentials: b.files.credentials })))[0],
    /^problem .*Permissions Violation for Publish to "btrt1.btrt.a/i,
  );

  const stranger = bed.path("stranger.nk");
  await writeFile(stranger, await newSeed());
  const refused = await check(bed, clusterSection(a, { credentials: stranger }));
  assert.match(textsOf(refused)[0], /^problem .*: the credentials are refused$/);

  const otherCa = (node: SecuredNode) => clusterSection(node, { ca_file: undefined });
  assert.match(textsOf(await check(bed, otherCa(a)))[0], /^problem .*its certificate is not accepted/);

  await b.server.kill();
  assert.match(textsOf(await check(bed, both))[1], /^warning .*: no connection \(.*ECONNREFUSED/);
  await a.server.kill();
  assert.match(textsOf(await check(bed, both))[0], /^problem .*: no connection/);
});

test("what the running tracker says of the others is reported", async (t) => {
  const bed = await Bed.open(t);
  const secret = join(bed.directory, "secret");
  await writeFile(secret, "0123456789abcdef0123456789abcdef");
  const section = `cluster: { node: a, secret_file: ${secret}, servers: ["nats://127.0.0.1:1"] }`;
  const after = async (status: ClusterStatus) =>
    textsOf(await check(bed, section, runningIn(status))).slice(1);
  assert.deepEqual(await after(clusterStatus()), [
    "ok only this node is called a",
    "ok node b, site main: live",
  ]);
  const bad = clusterStatus({
    sameName: true,
    refused: { ...makeRefusedCounts(), foreign: 2 },
    nodes: [nodeStatus({ state: "silent" }), nodeStatus({ node: "c", clockOffsetMs: -86_400_000 })],
  });
  assert.deepEqual(await after(bad), [
    "problem another tracker uses the node name a, too",
    "warning messages of nodes with another secret were refused",
    "warning node b, site main: silent",
    "warning node c, site main: its clock is 86400 s behind this one's",
  ]);
  const alone = await check(bed, "workers: 1");
  assert.deepEqual(alone, []);
});

async function newSeed(): Promise<string> {
  const { nkeys } = await import("@nats-io/transport-node");
  return new TextDecoder().decode(nkeys.createUser().getSeed());
}
