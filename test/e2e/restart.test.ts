/** Restarts while clients announce. A service manager holds the sockets. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Bed } from "../support/bed.ts";
import { FakeSystemd } from "../support/fake-systemd.ts";
import { Load } from "../support/load.ts";
import type { LoadReport } from "../support/steady-load.ts";

/** The number of announces that are answered before a restart, and after it. */
const AROUND = 500;

/** @returns the results of the announces, and when the first tracker ended. */
async function restart(
  t: TestContext,
  engine: string,
  signal: NodeJS.Signals,
): Promise<[LoadReport, number]> {
  const bed = await Bed.open(t);
  const manager = await FakeSystemd.open(bed, bed.path("notify"));
  t.after(() => manager.close());
  const config = `${manager.listen}engine: ${engine}\nworkers: 2\n`;
  let tracker = await manager.start(config);
  const load = await Load.start(bed, manager.http.port, manager.udp.port);
  await load.answers(AROUND);
  assert.equal(await tracker.process.stop(signal), signal === "SIGTERM" ? 0 : signal);
  const ended = Date.now();
  tracker = await manager.start(config);
  await load.answers(AROUND);
  const report = await load.stop();
  assert.equal(await tracker.stop(), 0);
  assert.equal(report.answered + report.failures.length, report.started);
  t.diagnostic(
    `${report.started} announces in ${report.seconds} s, ${report.failures.length} failed, ` +
      `${report.repeated} datagrams repeated, the slowest took ${report.slowestMs} ms`,
  );
  return [report, ended];
}

for (const engine of ["auto", "node"]) {
  test(`a restart loses no announce (engine: ${engine})`, { timeout: 300_000 }, async (t) => {
    const [report] = await restart(t, engine, "SIGTERM");
    assert.deepEqual(report.failures, []);
  });
}

test("a kill loses no announce but those in flight", { timeout: 300_000 }, async (t) => {
  const [{ failures }, ended] = await restart(t, "auto", "SIGKILL");
  assert.deepEqual(
    failures.filter(({ begun }) => begun > ended),
    [],
  );
});
