/** Conformance: thousands of connections. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { type MakeEngine, Rig } from "./rig.ts";

const MANY = 10_000;
/** More than an engine may handle in one turn. */
const FEWER = 3000;
/** Long enough to open all connections. */
const IDLE_MS = 3000;
const GRACE_MS = 60_000;
/** Descriptors that a process needs besides the connections'. */
const OTHER_DESCRIPTORS = 200;

/** Registers the tests. */
export function describeManyConnections(makeEngine: MakeEngine): void {
  describe("many connections", () => {
    test("10,000 idle connections do not slow down others", (t) => idleConnections(t, makeEngine));
    test("10,000 deferred requests do not slow down others", (t) => deferredRequests(t, makeEngine));
    test("3,000 connections that time out together are closed", (t) => timeOutTogether(t, makeEngine));
    test("3,000 idle connections do not delay a stop", (t) => closeAtStop(t, makeEngine));
  });
}

/** Opens connections from another process, as one process may not have descriptors for both ends. */
async function gather(t: TestContext, rig: Rig, size: number, request = "quiet"): Promise<ChildProcess> {
  const clients = fork(new URL("./idle-connections.ts", import.meta.url), [
    String(rig.addresses[0].port),
    String(size),
    request,
  ]);
  t.after(() => clients.kill());
  const lost = once(clients, "exit").then(() => assert.fail("the clients could not connect"));
  await Promise.race([rig.counters.until(() => rig.counters.accepted === size), lost]);
  return clients;
}

async function timeOutTogether(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine, { idleTimeoutMs: IDLE_MS });
  await gather(t, rig, FEWER);
  await rig.counters.until(() => rig.counters.closed === FEWER);
  assert.equal(rig.counters.timedOut, FEWER);
}

async function closeAtStop(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const rig = await Rig.start(t, makeEngine);
  await gather(t, rig, FEWER);
  await rig.engine.stop(GRACE_MS);
  assert.equal(rig.counters.closed, FEWER);
}

async function idleConnections(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const size = connectionCount(t);
  const rig = await Rig.start(t, makeEngine);
  const clients = await gather(t, rig, size);
  await assertPrompt(rig);
  assert.ok(rig.counters.closed <= 1, "all connections are still open");
  clients.disconnect();
  await rig.counters.until(() => rig.counters.closed === size + 1);
}

async function deferredRequests(t: TestContext, makeEngine: MakeEngine): Promise<void> {
  const size = connectionCount(t);
  const rig = await Rig.start(t, makeEngine);
  const { tokens } = rig.service;
  const clients = await gather(t, rig, size, "wait 600000 patiently");
  await rig.service.until(() => tokens.size === size);
  await assertPrompt(rig);
  const { calls } = rig.service;
  for (const token of tokens) rig.engine.resume(token);
  assert.equal(rig.service.calls, calls + size, "all requests are served");
  clients.disconnect();
  await rig.counters.until(() => rig.counters.closed === size + 1);
}

/** As many as the limit of descriptors allows. */
function connectionCount(t: TestContext): number {
  const limit = Number.parseInt(execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }), 10);
  const size = Math.min(MANY, (Number.isNaN(limit) ? MANY + OTHER_DESCRIPTORS : limit) - OTHER_DESCRIPTORS);
  if (size < MANY) t.diagnostic(`only ${size} connections: the limit of open files is ${limit}`);
  return size;
}

/** Another client is served as fast as without them. */
async function assertPrompt(rig: Rig): Promise<void> {
  const client = await rig.connect();
  // Processor time, as other processes may be busy on this machine.
  const before = process.cpuUsage();
  for (let i = 0; i < 200; i++) assert.equal(await client.ask("say prompt"), "prompt");
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 1e6, `200 answers took ${user + system} µs`);
  client.close();
}
