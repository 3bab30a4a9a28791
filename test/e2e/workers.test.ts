/** The log and the behaviour of the real program when its workers crash. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { announce } from "../support/announce.ts";
import { Bed, until } from "../support/bed.ts";
import { DEADLY_PORT } from "../support/deadly-port.ts";
import { TrackerProcess } from "../support/tracker-process.ts";

const CONFIG = `workers: 2\nlisten: { http: ["127.0.0.1:0"], udp: ["127.0.0.1:0"] }\n`;
const CRASHING = ["env", `NODE_OPTIONS=--import ${new URL("../support/dying.ts", import.meta.url)}`];
const MOST_CRASHES = 5;

async function start(t: TestContext): Promise<TrackerProcess> {
  return await TrackerProcess.start(await Bed.open(t), CONFIG, { by: CRASHING });
}

/** Makes a worker crash, and waits until that is logged. @returns its number. */
async function kill(tracker: TrackerProcess, port: number): Promise<unknown> {
  const before = tracker.log.length;
  await assert.rejects(announce(tracker.url, { infoHash: randomBytes(20), port }));
  const { worker } = await tracker.logged("a crash", ({ msg }) => /a worker crashed/.test(msg), before);
  return worker;
}

test("a worker that crashes is logged and replaced, and what was dropped is logged", {
  timeout: 300_000,
}, async (t) => {
  const tracker = await start(t);
  const worker = await kill(tracker, DEADLY_PORT.exception);
  const replaced = await tracker.logged("its replacement", ({ msg }) => /worker is replaced/.test(msg));
  assert.equal(replaced.worker, worker);
  const [crash, dropped] = tracker.log.slice(
    tracker.log.findIndex(({ msg }) => /a worker crashed/.test(msg)),
  );
  assert.equal(crash.level, "critical");
  assert.match(JSON.stringify(crash.err), /died on purpose/);
  assert.deepEqual([dropped.level, dropped.worker, dropped.swarms, dropped.peers], ["error", worker, 1, 1]);
  assert.equal((await announce(tracker.url, { infoHash: randomBytes(20), port: 7001 })).incomplete, 1);
  assert.equal(await tracker.stop(), 0);
});

test("workers that crash again and again end the program, with exit code 1", {
  timeout: 300_000,
}, async (t) => {
  const tracker = await start(t);
  for (let crash = 1; crash < MOST_CRASHES; crash++) {
    const before = tracker.log.length;
    await kill(tracker, DEADLY_PORT.unlocked);
    await tracker.logged("its replacement", ({ msg }) => /worker is replaced/.test(msg), before);
  }
  await kill(tracker, DEADLY_PORT.unlocked);
  await until("it has ended", () => tracker.process.end !== undefined);
  assert.equal(tracker.process.end, 1);
  const { level, reason } = await tracker.logged("why", ({ msg }) => /crash again and again/.test(msg));
  assert.deepEqual([level, reason], ["critical", "5 workers crashed within 60 seconds"]);
});
