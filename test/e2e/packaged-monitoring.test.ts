/** What is packaged for Prometheus and Grafana asks for metrics and labels that there are. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { toolsMissing } from "../tools.ts";
import { askAdmin, readMetrics } from "./ask-admin.ts";
import { Bed } from "./bed.ts";
import { TrackerProcess } from "./tracker-process.ts";

const RULES = fileURLToPath(new URL("../../packaging/prometheus/btrt.rules.yml", import.meta.url));
const DASHBOARD = fileURLToPath(new URL("../../packaging/grafana/btrt.json", import.meta.url));
const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`;

interface Panel {
  readonly targets: readonly { readonly expr: string }[];
}

test("Prometheus understands the alert rules", { skip: toolsMissing(["prometheus"]) }, () => {
  execFileSync("promtool", ["check", "rules", RULES], { stdio: "pipe" });
});

test("dashboard and alerts ask for what there is", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { admin } = await TrackerProcess.start(bed, CONFIG);
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
