/** The packaged files for Prometheus and Grafana use only metrics and labels that exist. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { askAdmin, readMetrics } from "../support/ask-admin.ts";
import { Bed } from "../support/bed.ts";
import { toolsMissing } from "../support/tools.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const RULES = fileURLToPath(new URL("../../packaging/prometheus/btrt.rules.yml", import.meta.url));
const DASHBOARD = fileURLToPath(new URL("../../packaging/grafana/btrt.json", import.meta.url));
const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }
neighbors: [{ name: a, announce_request: "http://127.0.0.1:1/announce?info_hash={info_hash}" }]
forwarded_announce: { clients: ["127.0.0.1"] }
hashlist: { router_counters: counters.json }
`;

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
  const tests = {
    rule_files: [RULES],
    tests: [
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
    ],
  };
  writeFileSync(bed.path("test.yml"), JSON.stringify(tests));
  const ran = spawnSync("promtool", ["test", "rules", bed.path("test.yml")], { encoding: "utf8" });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
});

test("dashboard and alerts ask for what there is", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url } = await TrackerProcess.start(bed, CONFIG);
  // A port that is never used.
  const external = `http://203.0.113.1:22/announce?info_hash=${"%aa".repeat(20)}&port=1`;
  await fetch(new URL(`/forwarded_announce?url=${encodeURIComponent(external)}`, url));
  const metrics = [...readMetrics((await askAdmin(`${admin}metrics`)).body).keys()];
  const names = new Set(metrics.map((metric) => metric.replace(/\{.*/s, "")));
  const panels: readonly Panel[] = JSON.parse(readFileSync(DASHBOARD, "utf8")).panels;
  const asked = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  const alerts = [...readFileSync(RULES, "utf8").matchAll(/expr: (.*)/g)];
  asked.push(...alerts.map(([, expr]) => expr));
  assert.ok(asked.length > 20);
  for (const expr of asked) {
    for (const [name] of expr.matchAll(/\b(btrt|process|nodejs)_\w+/g))
      assert.ok(names.has(name), `${name} is in ${expr}, and no metric`);
    for (const [, label, value] of expr.matchAll(/\b(limit|kind|outcome)!?="(\w+)"/g))
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
