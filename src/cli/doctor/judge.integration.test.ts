/** What is made of what was read: the machine's own state is whatever it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../config/load.ts";
import { judgeClock } from "./clock.ts";
import { judgeRunning } from "./database.ts";
import { judgeSpace } from "./disk.ts";
import { judgeLimits } from "./limits.ts";
import { judgeReplySources } from "./reply-sources.ts";

const GIBIBYTE = 2 ** 30;

/** A file of /proc/PID/limits, as Linux writes it. */
function limitsFile(files: number | string, locked: number | string): string {
  return `Limit                     Soft Limit           Hard Limit           Units
Max open files            1024                 ${String(files).padEnd(20)} files
Max locked memory         8192                 ${String(locked).padEnd(20)} bytes
`;
}

const ENOUGH = {
  "/proc/7/limits": limitsFile("unlimited", "unlimited"),
  "/proc/sys/net/core/somaxconn": "4096\n",
  "/proc/sys/net/netfilter/nf_conntrack_max": "1000000\n",
  "/proc/sys/net/netfilter/nf_conntrack_count": "10\n",
};

/** The texts of all findings that are not ok, for the given files of /proc and 4 GiB of memory. */
async function complaints(
  changed: Record<string, string | undefined>,
  memory = 4 * GIBIBYTE,
): Promise<string[]> {
  const { config } = await loadConfig({ defaults: true });
  assert.ok(config !== null);
  const files: Record<string, string | undefined> = { ...ENOUGH, ...changed };
  const findings = judgeLimits({ ...config, workers: 4 }, (path) => files[path], 7, memory);
  for (const { verdict, remedy } of findings) assert.equal(remedy !== undefined, verdict === "warning");
  return findings.filter(({ verdict }) => verdict !== "ok").map(({ text }) => text);
}

test("with room for everything there is nothing to say", async () => {
  assert.deepEqual(await complaints({}), []);
});

test("each limit that is too low is reported with the required value", async () => {
  const low: [Record<string, string | undefined>, RegExp][] = [
    [
      { "/proc/7/limits": limitsFile(16_000, "unlimited") },
      /^open files: 16,000 .*running.*; 16,256 for listen/,
    ],
    [{ "/proc/7/limits": limitsFile(30_000, 65_536) }, /^locked memory: 65,536 bytes/],
    [{ "/proc/7/limits": undefined }, /process 7: not readable/],
    [{ "/proc/sys/net/core/somaxconn": "128\n" }, /somaxconn is 128$/],
    [{ "/proc/sys/net/netfilter/nf_conntrack_max": "65536\n" }, /10 of 65,536 entries; 266,667 for/],
    [{ "/proc/sys/net/netfilter/nf_conntrack_count": "900000\n" }, /900,000 of 1,000,000 entries/],
  ];
  for (const [changed, text] of low) {
    const told = await complaints(changed);
    assert.equal(told.length, 1, told.join("\n"));
    assert.match(told[0], text);
  }
  const told = await complaints({}, GIBIBYTE / 4);
  assert.match(told.join("\n"), /^memory: 256 MiB; swarms take at most \d+ MiB$/);
});

test("where the kernel tracks no connections, nothing is said of it", async () => {
  assert.deepEqual(await complaints({ "/proc/sys/net/netfilter/nf_conntrack_max": undefined }), []);
});

test("a disk is judged by bytes and by inodes", () => {
  assert.equal(judgeSpace("/x", 5 * GIBIBYTE, 1).verdict, "ok");
  assert.equal(judgeSpace("/x", GIBIBYTE / 2, 1).verdict, "warning");
  assert.equal(judgeSpace("/x", 1000, 1).verdict, "problem");
  assert.equal(judgeSpace("/x", 5 * GIBIBYTE, 0).verdict, "problem");
});

test("the clock is judged by what the kernel says", () => {
  assert.equal(judgeClock(0).verdict, "ok");
  assert.equal(judgeClock(1).verdict, "ok", "a leap second ahead");
  assert.equal(judgeClock(5).verdict, "warning");
  assert.equal(judgeClock(-1).verdict, "unknown");
});

test("UDP replies may leave from elsewhere where node serves what systemd holds", () => {
  const udp = [{ host: "::", port: 6969 }];
  const several = ["192.0.2.1", "192.0.2.2"];
  const verdictOf = (...given: Parameters<typeof judgeReplySources>) => judgeReplySources(...given).verdict;
  assert.equal(verdictOf("node", udp, ["[::]:6969"], several), "warning");
  assert.match(judgeReplySources("node", udp, ["[::]:6969"], several).remedy ?? "", /ListenDatagram=/);
  assert.equal(verdictOf("node", udp, ["[::]:6969"], ["192.0.2.1", "2001:db8::1"]), "ok");
  assert.equal(verdictOf("node", udp, [], several), "ok");
  assert.equal(verdictOf("uring", udp, ["[::]:6969"], several), "ok");
  assert.equal(verdictOf("node", [{ host: "192.0.2.1", port: 6969 }], ["192.0.2.1:6969"], several), "ok");
});

test("what a running tracker says of its database is passed on", () => {
  const good = {
    ...{ url: "sqlite:btrt.db", usable: true, savedAt: null, saveSeconds: 0, rowsWritten: 0, failures: 0 },
    ...{ failure: null, replacements: 0, lastReplacement: null },
  };
  assert.deepEqual(judgeRunning({ database: good }), []);
  const lastReplacement = {
    ...{ at: "2026-01-01T00:00:00Z", reason: "it was gone", torrents: 7, totals: 3 },
    keptAs: "btrt.db.replaced-x",
  };
  const findings = judgeRunning({ database: { ...good, failure: "the disk is full", lastReplacement } });
  assert.deepEqual(
    findings.map(({ verdict }) => verdict),
    ["problem", "warning"],
  );
  assert.match(findings[0].text, /the disk is full/);
  assert.match(findings[1].text, /it was gone.*7 torrents.*btrt\.db\.replaced-x/);
});
