/** What the tracker's process is called. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { askStatus } from "../support/ask-admin.ts";
import { Bed } from "../support/bed.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `listen: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`;

test("the tracker is called btrt in ps and in ss", { timeout: 300_000 }, async (t) => {
  const bed = await Bed.open(t);
  const { admin, url, udpUrls } = await TrackerProcess.start(bed, CONFIG);
  const { pid } = await askStatus(admin);
  const ask = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: "utf8" });
  assert.equal(ask("ps", "-o", "comm=", "-p", String(pid)), "btrt\n");
  assert.match(ask("ps", "-o", "args=", "-p", String(pid)), /^btrt run --config \S+\n$/);
  for (const [kind, { port }] of [
    ["-tlnpH", new URL(url)],
    ["-ulnpH", new URL(udpUrls[0])],
  ] as const)
    assert.match(ask("ss", kind, `sport = :${port}`), new RegExp(`"btrt",pid=${pid}`));
});
