/** The packaged files for Prometheus and Grafana use only metrics and labels that exist. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { GATE_COUNTERS } from "../../src/gate/report.ts";
import { askAdmin, askStatus, readMetrics } from "../support/ask-admin.ts";
import { Bed, until } from "../support/bed.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const RULES = fileURLToPath(new URL("../../packaging/prometheus/btrt.rules.yml", import.meta.url));
const DASHBOARD = fileURLToPath(new URL("../../packaging/grafana/btrt.json", import.meta.url));
const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
neighbors: [{ name: a, announce_request: "http://127.0.0.1:1/announce?info_hash={info_hash}" }]
forwarded_announce: { clients: ["127.0.0.1"] }
hashlist: { router_counters: counters.json }
selection: { policy: bridged }
gate: { enabled: true }
alerts: { webhook: "http://127.0.0.1:1/" }
cluster: { node: a, secret_file: secret, servers: ["nats://127.0.0.1:1"] }
peer_groups: [{ name: ours, priority: 0, source: { from: ["/bin/echo", "10.0.0.0/8"] } }]
`;

/** Features all of whose metrics are on the dashboard. */
const SHOWN = /^btrt_(gate|prefix_source|patience|alerts)_/;

interface Panel {
  readonly targets: readonly { readonly expr: string }[];
}

test("Prometheus understands the alert rules", { skip: toolsMissing(["prometheus"]) }, () => {
  execFileSync("promtool", ["check", "rules", RULES], { stdio: "pipe" });
});

test("a neighbor, an upstream tracker and a counter's file that stand still are told of", {
  skip: toolsMissing(["prometheus"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const told = (minutes: number, ...alerts: [name: string, label: string, severity: string][]) => ({
    expr: 'ALERTS{alertstate="firing"}',
    eval_time: `${minutes}m`,
    exp_samples: alerts.map(([name, label, severity]) => ({
      labels: `ALERTS{alertname="Btrt${name}",alertstate="firing",${label},severity="${severity}"}`,
      value: 1,
    })),
  });
  const neighbor = ["NeighborBackingOff", 'neighbor="a"', "warning"] as const;
  const external = ["UpstreamTrackerBackingOff", 'tracker="c"', "info"] as const;
  const counts = ["HandshakeCountsStale", 'by="router"', "warning"] as const;
  const tests = [
    {
      interval: "1m",
      input_series: [
        { series: 'btrt_neighbor_asked{neighbor="a"}', values: "1x10 0x500" },
        { series: 'btrt_neighbor_asked{neighbor="b"}', values: "1x500" },
        { series: 'btrt_upstream_tracker_backing_off{tracker="c"}', values: "1x500" },
        { series: 'btrt_upstream_tracker_backing_off{tracker="d"}', values: "0x500" },
        { series: 'btrt_handshake_counts_written_timestamp_seconds{by="router"}', values: "600x500" },
      ],
      promql_expr_test: [
        told(40),
        told(60, [...counts]),
        told(90, [...counts], [...neighbor]),
        told(400, [...counts], [...external], [...neighbor]),
      ],
    },
  ];
  testRules(bed, tests);
});

/** A router reports, so that there are metrics of it. */
async function reportToGate(admin: string): Promise<void> {
  const counters = Object.fromEntries(GATE_COUNTERS.map((name) => [name, 1]));
  const report = { follower: "0".repeat(16), router: "r1", version: 0, countOnly: false, counters };
  const headers = { "Content-Type": "application/json" };
  const sent = { method: "POST", headers, body: JSON.stringify(report) };
  assert.equal((await fetch(`${admin}api/v1/gate/report`, sent)).status, 200);
}

/** The alerts that promtool expects to fire after some minutes. @param alerts name without `Btrt`, labels, severity. */
function firing(minutes: number, ...alerts: [name: string, labels: string, severity: string][]) {
  return {
    expr: 'ALERTS{alertstate="firing"}',
    eval_time: `${minutes}m`,
    exp_samples: alerts.map(([name, labels, severity]) => ({
      labels: `ALERTS{alertname="Btrt${name}",alertstate="firing",instance="i",${labels}severity="${severity}"}`,
      value: 1,
    })),
  };
}

/** Has promtool test the packaged rules. */
function testRules(bed: Bed, tests: readonly object[]): void {
  writeFileSync(bed.path("test.yml"), JSON.stringify({ rule_files: [RULES], tests }));
  const ran = spawnSync("promtool", ["test", "rules", bed.path("test.yml")], { encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
}

test("a gate that nobody follows, a lost router, a source that fails and slow downloads are told of", {
  skip: toolsMissing(["prometheus"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const series = (name: string, values: string, labels = "") => ({
    series: `btrt_${name}{instance="i"${labels}}`,
    values,
  });
  const routers = (name: string, lost: string, well: string) => [
    series(name, lost, ',router="lost"'),
    series(name, well, ',router="well"'),
  ];
  const tests = [
    {
      interval: "1m",
      input_series: [
        series("gate_followers", "2x20 0x100"),
        series("gate_torrents", "7x120"),
        series("gate_lists_version", "1+1x120"),
        ...routers("gate_router_report_timestamp_seconds", "0+60x30 1800x100", "0+60x120"),
        ...routers("gate_router_lists_version", "1+1x120", "1+1x60 60x60"),
      ],
      promql_expr_test: [
        firing(25),
        firing(32, ["GateUnfollowed", "", "warning"]),
        firing(40, ["GateRouterSilent", 'router="lost",', "warning"], ["GateUnfollowed", "", "warning"]),
        firing(
          90,
          ["GateRouterBehind", 'router="well",', "warning"],
          ["GateRouterSilent", 'router="lost",', "warning"],
          ["GateUnfollowed", "", "warning"],
        ),
      ],
    },
    {
      interval: "1m",
      input_series: [
        series("prefix_source_failing", "1x500", ',group="ours"'),
        series("prefix_source_failing", "0x500", ',group="theirs"'),
        series("prefix_source_held", "1x500", ',group="theirs"'),
        series("alerts_failing", "1x500", ',channel="mail"'),
        series("patience_wanted", "1.2x500"),
        series("patience_measured", "1.6x500"),
        series("gate_left_out_torrents", "3x500", ',reason="limits"'),
        series("gate_left_out_torrents", "3x500", ',reason="exclude"'),
      ],
      promql_expr_test: [
        firing(5),
        firing(
          20,
          ["AlertsFailing", 'channel="mail",', "warning"],
          ["PrefixSourceHeld", 'group="theirs",', "warning"],
        ),
        firing(
          400,
          ["AlertsFailing", 'channel="mail",', "warning"],
          ["DownloadsSlow", "", "info"],
          ["GateLeavesOut", 'reason="limits",', "info"],
          ["PrefixSourceFailing", 'group="ours",', "warning"],
          ["PrefixSourceHeld", 'group="theirs",', "warning"],
        ),
      ],
    },
  ];
  testRules(bed, tests);
});

test("a lost connection to the cluster, a silent node and a name used twice are told of", {
  skip: toolsMissing(["prometheus"]),
}, async (t) => {
  const bed = await Bed.open(t);
  const tests = [
    {
      interval: "1m",
      input_series: [
        { series: 'btrt_cluster_connected{instance="i"}', values: "1x30 0x30" },
        { series: 'btrt_cluster_same_name{instance="i"}', values: "0x50 1x10" },
        { series: 'btrt_cluster_node_up{instance="i",node="b",site="main"}', values: "1x10 0x50" },
      ],
      promql_expr_test: [
        firing(10),
        firing(20, ["ClusterNodeSilent", 'node="b",site="main",', "warning"]),
        // Without a connection nobody is heard.
        firing(40, ["ClusterDisconnected", "", "critical"]),
        firing(58, ["ClusterDisconnected", "", "critical"], ["ClusterSameName", "", "critical"]),
      ],
    },
  ];
  testRules(bed, tests);
});

test("dashboard and alerts ask for what there is", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  writeFileSync(bed.path("secret"), "0".repeat(32));
  const { admin, url } = await TrackerProcess.start(bed, CONFIG);
  // A port that is never used.
  const external = `http://203.0.113.1:22/announce?info_hash=${"%aa".repeat(20)}&port=1`;
  await fetch(new URL(`/forwarded_announce?url=${encodeURIComponent(external)}`, url));
  await reportToGate(admin);
  await until("the source is read", async () => (await askStatus(admin)).prefixSources[0]?.readAt !== null);
  const { body } = await askAdmin(`${admin}metrics`);
  const metrics = [...readMetrics(body).keys()];
  // Some have no value yet.
  const described = [...body.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name);
  const names = new Set([...metrics.map((metric) => metric.replace(/\{.*/s, "")), ...described]);
  const panels: readonly Panel[] = JSON.parse(readFileSync(DASHBOARD, "utf8")).panels;
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  for (const name of described.filter((each) => SHOWN.test(each)))
    assert.ok(
      asked.some((expr) => new RegExp(`\\b${name}\\b`).test(expr)),
      `${name} is not on the dashboard`,
    );
  const alerts = [...readFileSync(RULES, "utf8").matchAll(/expr: (.*)/g)];
  asked.push(...alerts.map(([, expr]) => expr));
  assert.ok(asked.length > 20);
  for (const expr of asked) {
    for (const [name] of expr.matchAll(/\b(btrt|process|nodejs)_\w+/g))
      assert.ok(names.has(name), `${name} is in ${expr}, and no metric`);
    for (const [, label, value] of expr.matchAll(/\b(limit|kind|outcome|reason)!?="(\w+)"/g))
      assert.ok(
        metrics.some((metric) => metric.includes(`${label}="${value}"`)),
        `${label}="${value}" in ${expr}`,
      );
    for (const [, labels] of expr.matchAll(/by \(([^)]*)\)/g))
      for (const label of labels.split(", ").filter((name) => name !== "instance"))
        assert.ok(
          metrics.some((metric) => metric.includes(`${label}="`)),
          `${label} in ${expr}`,
        );
  }
});
