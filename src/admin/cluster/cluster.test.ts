import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clusterStatus, nodeStatus } from "../../../test/support/cluster-status.ts";
import { NODES_MAX } from "../../cluster/settings.ts";
import { makeRefusedCounts } from "../../cluster/status.ts";
import { allocateCounters } from "../../model/counters.ts";
import { formatMetrics } from "../exposition.ts";
import { clusterPanel } from "../panels/cluster-panel.ts";
import { readTotals } from "../readings.ts";
import { clusterSchema } from "./cluster-schema.ts";
import { NodeSummaries } from "./node-summaries.ts";
import { decodeSummary, encodeSummary, nodeSummarySchema, SUMMARY_BYTES } from "./node-summary.ts";

const TOTALS = readTotals({ counters: [allocateCounters()], activity: [] });
const SETTINGS = { name: "btrt", node: "a", site: "main" };

function summaryOf(changes: object) {
  return nodeSummarySchema.parse(changes);
}

/** A panel of this report, and of summaries of this node and others. */
function panelOf(status = clusterStatus(), others: Readonly<Record<string, object>> = {}) {
  const summaries = new NodeSummaries();
  summaries.own = summaryOf({ requestsPerSecond: 10, reported: { downloaded: 5, uploaded: 1 } });
  for (const [node, changes] of Object.entries(others))
    summaries.receive(node, encodeSummary(summaryOf(changes)));
  const panel = clusterPanel(() => ({ settings: SETTINGS, status, summaries }));
  return { panel, reading: panel.read(TOTALS) };
}

test("the sums are those of all nodes that are heard, this one included", () => {
  const nodes = [nodeStatus(), nodeStatus({ node: "c", state: "silent" })];
  const traffic = { reported: { downloaded: 3, uploaded: 0 } };
  const { reading } = panelOf(clusterStatus({ nodes }), {
    b: { requestsPerSecond: 7, ...traffic },
    c: { requestsPerSecond: 100 },
  });
  clusterSchema.parse(reading);
  assert.equal(reading.cluster?.sums.requestsPerSecond, 17);
  assert.deepEqual(reading.cluster?.sums.reported, { downloaded: 8, uploaded: 1 });
  assert.deepEqual(
    reading.cluster?.nodes.map(({ node, isSelf, summary }) => [node, isSelf, summary?.requestsPerSecond]),
    [
      ["a", true, 10],
      ["b", false, 7],
      ["c", false, 100],
    ],
  );
});

test("before the first report, and without a cluster, the panel reads as well", () => {
  const summaries = new NodeSummaries();
  const panel = clusterPanel(() => ({ settings: SETTINGS, status: undefined, summaries }));
  const { cluster } = clusterSchema.parse(panel.read(TOTALS));
  assert.deepEqual([cluster?.state, cluster?.connected, cluster?.nodes.length], ["connecting", false, 1]);
  const alone = clusterPanel(() => undefined);
  assert.deepEqual(alone.read(TOTALS), { cluster: null });
  assert.deepEqual(alone.metrics({ cluster: null }, TOTALS), []);
  assert.deepEqual(alone.warnings({ cluster: null }), []);
});

test("a summary of another version is understood, anything else is refused and counted", () => {
  const foreign = Buffer.from(JSON.stringify({ peers: 5, later: { field: true } }));
  assert.equal(decodeSummary(foreign)?.peers, 5);
  assert.equal(decodeSummary(foreign)?.requestsPerSecond, 0);
  for (const bytes of [
    "",
    "{",
    "null",
    "[]",
    '{"peers":-1}',
    '{"peers":"many"}',
    `{"version":"${"x".repeat(101)}"}`,
  ])
    assert.equal(decodeSummary(Buffer.from(bytes)), undefined, bytes);
  assert.equal(decodeSummary(Buffer.from(`{"peers":1}${" ".repeat(SUMMARY_BYTES)}`)), undefined);
  const summaries = new NodeSummaries();
  summaries.receive("b", Buffer.from("garbage"));
  assert.equal(summaries.refused, 1);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      decodeSummary(bytes);
    }),
  );
});

test("a summary has a limit, which warnings give way to; and nodes have one", () => {
  const long = summaryOf({ peers: 3, warnings: Array.from({ length: 5 }, () => "\u20ac".repeat(300)) });
  const bytes = encodeSummary(long);
  assert.ok(bytes.length <= SUMMARY_BYTES);
  assert.deepEqual(decodeSummary(bytes), { ...long, warnings: [] });
  const summaries = new NodeSummaries();
  for (let i = 0; i <= NODES_MAX; i++) summaries.receive(`n${i}`, bytes);
  assert.deepEqual(
    [summaries.refused, summaries.of("n0")?.peers, summaries.of(`n${NODES_MAX}`)],
    [1, 3, undefined],
  );
  summaries.keep(["n1"]);
  assert.equal(summaries.of("n0"), undefined);
  assert.equal(summaries.of("n1")?.peers, 3);
});

test("each problem has a warning, and a good cluster has none", () => {
  const warningsOf = (...args: Parameters<typeof panelOf>) => {
    const { panel, reading } = panelOf(...args);
    return panel.warnings(reading).map(({ text }) => text);
  };
  assert.deepEqual(warningsOf(), []);
  const cases: readonly (readonly [Partial<ReturnType<typeof clusterStatus>>, RegExp])[] = [
    [{ connected: false }, /no connection to a nats-server/],
    [{ sameName: true }, /Another tracker uses the node name a/],
    [{ nodes: [nodeStatus({ state: "silent" })] }, /The node b is silent/],
    [{ nodes: [nodeStatus({ clockOffsetMs: -86_400_000 })] }, /clocks of the node b/],
    [{ nodes: [nodeStatus({ lagMs: 6000 })] }, /node b arrive more than 5 seconds late/],
    [{ nodes: [nodeStatus({ unanswered: 3 })] }, /node b does not answer/],
    [{ refused: { ...makeRefusedCounts(), foreign: 1 } }, /Compare cluster.secret_file/],
    [{ refused: { ...makeRefusedCounts(), version: 1 } }, /another major version/],
    [{ refused: { ...makeRefusedCounts(), tooManyNodes: 1 } }, /more nodes than/],
  ];
  for (const [changes, expected] of cases) {
    const warnings = warningsOf(clusterStatus(changes));
    assert.equal(warnings.length, 1, String(warnings));
    assert.match(warnings[0], expected);
  }
  const gone = clusterStatus({ connected: false, nodes: [nodeStatus({ state: "silent" })] });
  assert.equal(warningsOf(gone).length, 1, "without a connection, nobody is heard");
});

test("metrics have a sample for each other node, and every reason", () => {
  const nodes = [nodeStatus({ lost: 4 }), nodeStatus({ node: "c", site: "east", state: "silent" })];
  const { panel, reading } = panelOf(
    clusterStatus({ nodes, refused: { ...makeRefusedCounts(), private: 3 } }),
  );
  const text = formatMetrics(panel.metrics(reading, TOTALS));
  for (const line of [
    "btrt_cluster_connected 1",
    'btrt_cluster_node_up{node="b",site="main"} 1',
    'btrt_cluster_node_up{node="c",site="east"} 0',
    'btrt_cluster_lost_records_total{node="b",site="main"} 4',
    'btrt_cluster_refused_total{reason="private"} 3',
    'btrt_cluster_refused_total{reason="summary"} 0',
    'btrt_cluster_dropped_records_total{reason="ring"} 0',
  ])
    assert.ok(text.includes(`${line}\n`), `${line}\n${text}`);
  assert.ok(!text.includes('node="a"'), "not of itself");
});
