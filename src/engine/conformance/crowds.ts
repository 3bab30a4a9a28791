/** Conformance: many connections, and too many. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { type MakeEngine, Rig } from "./rig.ts";

const CROWD = 10_000;
/** More than an engine may want done at once. */
const SMALL_CROWD = 3000;
/** Long enough to gather. */
const IDLE_MS = 3000;
const GRACE_MS = 60_000;
/** Descriptors that a process needs besides its crowd's. */
const OTHER_DESCRIPTORS = 200;

/** Registers the tests. */
export function describeCrowds(makeEngine: MakeEngine): void {
  describe("crowds", () => {
    test("10,000 idle connections slow nobody down", (t) => idleCrowd(t, makeEngine));
    test("10,000 waiting connections slow nobody down", (t) => waitingCrowd(t, makeEngine));
    test("a crowd whose time is over at once is closed", (t) => crowdTimesOut(t, makeEngine));
    test("a crowd does not hold up the end", (t) => crowdAtTheEnd(t, makeEngine));
  });
}

/** Opens connections of another process: together they would need more descriptors than many machines allow one. */
async function gather(t: TestContext, rig: Rig, size: number, request = "quiet"): Promise<ChildProcess> {
  const crowd = fork(new URL("./idle-crowd.ts", import.meta.url), [
    String(rig.addresses[0].port),
    String(size),
    request,
  ]);
  t.after(() => crowd.kill());
  const lost = once(crowd, "exit").then(() => assert.fail("the crowd could not connect"));
  await Promise.race([rig.counters.until(() => rig.counters.accepted === size), lost]);
  return crowd;
}

async function crowdTimesOut(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { idleTimeoutMs: IDLE_MS });
  await gather(t, rig, SMALL_CROWD);
  await rig.counters.until(() => rig.counters.closed === SMALL_CROWD);
  assert.equal(rig.counters.timedOut, SMALL_CROWD);
}

async function crowdAtTheEnd(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  await gather(t, rig, SMALL_CROWD);
  await rig.engine.stop(GRACE_MS);
  assert.equal(rig.counters.closed, SMALL_CROWD);
}

async function idleCrowd(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const size = crowdSize(t);
  const rig = await Rig.start(t, makeEngine);
  const crowd = await gather(t, rig, size);
  await assertPrompt(rig);
  assert.ok(rig.counters.closed <= 1, "nobody of the crowd is gone");
  crowd.disconnect();
  await rig.counters.until(() => rig.counters.closed === size + 1);
}

async function waitingCrowd(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const size = crowdSize(t);
  const rig = await Rig.start(t, makeEngine);
  const { tokens } = rig.service;
  const crowd = await gather(t, rig, size, "wait 600000 patiently");
  await rig.service.until(() => tokens.size === size);
  await assertPrompt(rig);
  const { calls } = rig.service;
  for (const token of tokens) rig.engine.resume(token);
  assert.equal(rig.service.calls, calls + size, "everybody is answered");
  crowd.disconnect();
  await rig.counters.until(() => rig.counters.closed === size + 1);
}

/** As many as there may be descriptors for. */
function crowdSize(t: TestContext): number {
  const limit = Number.parseInt(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }), 10);
  const size = Math.min(CROWD, (Number.isNaN(limit) ? CROWD + OTHER_DESCRIPTORS : limit) - OTHER_DESCRIPTORS);
  if (size < CROWD) t.diagnostic(`only ${size} connections: the limit of open files is ${limit}`);
  return size;
}

/** Somebody else is answered as if nobody were there. */
async function assertPrompt(rig: Rig): Promise<void> {
  const client = await rig.connect();
  // Processor time: others may be busy on this machine.
  const before = process.cpuUsage();
  for (let i = 0; i < 200; i++) assert.equal(await client.ask("say prompt"), "prompt");
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 1e6, `200 answers took ${user + system} µs`);
  client.close();
}
