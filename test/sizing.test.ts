/** Checks the table of docs/sizing.md against the measurements. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const DOCS = join(import.meta.dirname, "../docs");

/** The assumptions in the page's text. */
const PEERS_PER_SUBSCRIBER = 2;
const INTERVAL_SECONDS = 1800;
const OUTAGE_SECONDS = 300;
const HEADER_BYTES = 4 * 52;

/** The number that a pattern finds in a record of measurements. */
function measured(file: string, pattern: RegExp): number {
  const [, found] = pattern.exec(readFileSync(join(DOCS, "benchmarks", file), "utf8")) ?? [];
  assert.ok(found !== undefined, `${file}: ${pattern}`);
  return Number(found);
}

const PROGRAM_MB = measured("2026-11-29-speed.md", /the process takes (\d+) MB when it has served/);
const MANY_BYTES = measured("2026-11-22-http.md", /2,000,000 \| 100,000 \| zipf \|.*?\| ([\d.]+) \| ≤ 24/);
const ALONE_BYTES = measured(
  "2026-11-22-http.md",
  /1,000,000 \| 1,000,000 \| equal \|.*?\| ([\d.]+) \| ≤ 120/,
);
const HTTP = "HTTP, a connection per announce \\| BTRT \\(uring\\)";
const ANNOUNCE_US = measured("2026-11-25-bench.md", new RegExp(`${HTTP} \\| ([\\d.]+)`));
const RESPONSE_BYTES = measured("2026-11-25-bench.md", new RegExp(`${HTTP}.*\\| (\\d+) \\|$`, "m"));
const ROW_BYTES = measured("2026-11-25-storage.md", /^\| SQLite \| .*?\| 49 \| (\d+)/m);

test("each row of the sizing table is what the measurements make of it", () => {
  const page = readFileSync(join(DOCS, "sizing.md"), "utf8");
  const rows = [...page.matchAll(/^\| [\d,]+ \|.*$/gm)].map(([row]) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  assert.equal(rows.length, 4);
  for (const row of rows) {
    const [subscribers, ...cells] = row.map((cell) =>
      cell.split("–").map((text) => Number(text.replaceAll(/[^\d.]/g, ""))),
    );
    const peers = subscribers[0] * PEERS_PER_SUBSCRIBER;
    const usually = peers / INTERVAL_SECONDS;
    const outage = peers / OUTAGE_SECONDS;
    const core = (perSecond: number) => perSecond * ANNOUNCE_US * 1e-6 * 100;
    const wanted = [
      [peers],
      [usually],
      [outage],
      [PROGRAM_MB + (peers * MANY_BYTES) / 1e6, PROGRAM_MB + (peers * ALONE_BYTES) / 1e6],
      [core(usually)],
      [core(outage)],
      [(usually * (RESPONSE_BYTES + HEADER_BYTES) * 8) / 1e6],
      [(peers * ROW_BYTES) / 1e6],
    ];
    for (const [i, values] of wanted.entries()) {
      for (const [j, value] of values.entries()) {
        const written = cells[i][j];
        // The cells are rounded: half of the last digit, and a percent.
        assert.ok(
          Math.abs(written - value) <= Math.max(value * 0.02, 0.5 * unitOf(row[i + 1])),
          `${row.join(" | ")}: ${value}`,
        );
      }
    }
  }
});

/** The value of the last digit of a cell. */
function unitOf(cell: string): number {
  const [, decimals = ""] = /\.(\d+)/.exec(cell) ?? [];
  return 10 ** -decimals.length;
}
