/** Restarts while clients announce, with the sockets in the hands of a service manager. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { askStatus } from "./ask-admin.ts";
import { Bed, type Process, until } from "./bed.ts";
import { FakeSystemd } from "./fake-systemd.ts";
import type { LoadReport } from "./steady-load.ts";

const LOAD = fileURLToPath(new URL("./steady-load.ts", import.meta.url));
const PER_SECOND = 2000;
/** Announces that are answered between two restarts, at least. */
const BETWEEN = 1000;

/** Announces while the trackers of a service manager come and go. */
class Load {
  readonly #process: Process;

  static async start(bed: Bed, { http, udp }: FakeSystemd): Promise<Load> {
    const ports = [http.port, udp.port, PER_SECOND].map(String);
    const started = bed.run([process.execPath, LOAD, ...ports]);
    await until("the load begins", () => started.stdout !== "" || started.end !== undefined);
    return new Load(started);
  }

  private constructor(running: Process) {
    this.#process = running;
  }

  async stop(): Promise<LoadReport> {
    await this.#process.stop();
    const [, report] = this.#process.stdout.split("\n");
    if (!report) throw new Error(`the load failed: ${this.#process.stderr}`);
    return JSON.parse(report);
  }
}

/** Waits until a tracker has answered so many announces. */
async function answered(admin: string, count: number): Promise<void> {
  await until(`${count} announces are answered`, async () => {
    const { requests } = await askStatus(admin);
    return requests.reduce((sum, request) => sum + request.count, 0) >= count;
  });
}

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
  const load = await Load.start(bed, manager);
  await answered(tracker.admin, BETWEEN);
  const at = Date.now();
  assert.equal(await tracker.process.stop(signal), signal === "SIGTERM" ? 0 : signal);
  tracker = await manager.start(config);
  await answered(tracker.admin, BETWEEN);
  const report = await load.stop();
  assert.equal(await tracker.stop(), 0);
  assert.equal(report.answered + report.failures.length, report.started);
  t.diagnostic(
    `${report.started} announces in ${report.seconds} s, ${report.failures.length} failed, ` +
      `${report.repeated} datagrams repeated, the slowest took ${report.slowestMs} ms`,
  );
  return [report, at];
}

for (const engine of ["auto", "node"]) {
  test(`a restart loses no announce (engine: ${engine})`, { timeout: 120_000 }, async (t) => {
    const [report] = await restart(t, engine, "SIGTERM");
    assert.deepEqual(report.failures, []);
  });
}

test("a kill loses no announce but those in flight", { timeout: 120_000 }, async (t) => {
  const [{ failures }, at] = await restart(t, "auto", "SIGKILL");
  assert.deepEqual(
    failures.filter(({ begun }) => begun > at),
    [],
  );
});
