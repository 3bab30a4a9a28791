import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { wakeEngine } from "../choice.ts";
import { describeReplySource } from "../conformance/reply-source.ts";
import { Rig } from "../conformance/rig.ts";
import { describeEngine } from "../conformance.ts";
import type { EngineCounters, EngineLimits, Services } from "../engine.ts";
import { AcceptCoalescing } from "./accept-coalescing.ts";
import { probeUring } from "./probe.ts";
import { allocateResources } from "./resources.ts";

const SOCKETS = 8;

/** Clients are on the same thread, and run when the engine does not wait. */
const WAITS = { busyMs: 1, idleMs: 1 };

const because = await probeUring();
if (because !== undefined) test("the uring engine", { skip: because });
else {
  const { UringEngine } = await import("./uring-engine.ts");
  const makeEngine = (services: Services, limits: EngineLimits, counters: EngineCounters) => {
    const resources = allocateResources(SOCKETS, limits.maxConnections);
    return new UringEngine(services, limits, counters, resources, { waits: WAITS });
  };
  describeEngine("the uring engine", makeEngine);
  describeReplySource(makeEngine, true);

  /** An engine whose delays are counted. @param before connections recorded as just accepted. */
  const countDelays = async (t: TestContext, before: number) => {
    let count = 0;
    const coalescing = new AcceptCoalescing(() => count++, performance.now());
    if (before > 0) coalescing.record(before, performance.now());
    const rig = await Rig.start(t, (services, limits, counters) => {
      const resources = allocateResources(SOCKETS, limits.maxConnections);
      return new UringEngine(services, limits, counters, resources, { waits: WAITS, coalescing });
    });
    return { rig, count: () => count };
  };

  test("a busy engine delays before it waits, after sending its replies", {
    timeout: 300_000,
  }, async (t) => {
    const { rig, count } = await countDelays(t, Number.MAX_SAFE_INTEGER);
    for (let i = 0; i < 10; i++) await rig.assertServes();
    assert.ok(count() > 0);
    wakeEngine(rig.engine.wakeDescriptor);
    while (wakeCount(rig.engine.wakeDescriptor) > 0) await nextTurn();
  });

  test("an engine with low load never delays", { timeout: 300_000 }, async (t) => {
    const { rig, count } = await countDelays(t, 0);
    for (let i = 0; i < 10; i++) await rig.assertServes();
    assert.equal(count(), 0);
  });

  test("no operation runs on the kernel's worker threads, which would look descriptors up too late", {
    timeout: 300_000,
  }, async (t) => {
    const rig = await Rig.start(t, makeEngine, { datagrams: [{ host: "127.0.0.1", port: 0 }] });
    const blocked = await rig.connect();
    await rig.fill(blocked);
    for (const request of ["refuse\n", "refuse\nmore", "drop\n", "bye\n"]) {
      const client = await rig.connect();
      client.send(request);
      await client.readToEnd();
    }
    assert.equal(await (await rig.openDatagrams()).ask("say datagram"), "datagram");
    assert.deepEqual(kernelThreads(), []);
    blocked.reset();
    await rig.assertServes();
    await rig.engine.stop(0);
    assert.deepEqual(kernelThreads(), []);
  });

  test("the service is told of all requests that have arrived before the first is served", {
    timeout: 300_000,
  }, async (t) => {
    const rig = await Rig.start(t, makeEngine);
    const clients = await Promise.all(Array.from({ length: 8 }, () => rig.connect()));
    while (rig.service.mostExpected < clients.length) {
      for (const client of clients) client.send("say hello\n");
      for (const client of clients) assert.equal((await client.read(6)).toString(), "hello\n");
    }
  });

  test("a woken engine sleeps again", { timeout: 300_000 }, async (t) => {
    const { engine } = await Rig.start(t, makeEngine);
    for (let wakes = 0; wakes < 3; wakes++) {
      wakeEngine(engine.wakeDescriptor);
      while (wakeCount(engine.wakeDescriptor) > 0) await nextTurn();
    }
  });
}

/** io_uring's worker threads of this process; idle ones stay for seconds. */
function kernelThreads(): string[] {
  const names = readdirSync("/proc/self/task").map((task) =>
    readFileSync(`/proc/self/task/${task}/comm`, "latin1").trim(),
  );
  return names.filter((name) => name.startsWith("iou-"));
}

/** The count of an eventfd(2), which is hexadecimal in proc(5). */
function wakeCount(descriptor: number): number {
  const [, count] =
    /^eventfd-count: *(\w+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1")) ?? [];
  assert.ok(count !== undefined);
  return Number.parseInt(count, 16);
}
