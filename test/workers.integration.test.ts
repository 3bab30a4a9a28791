/** Several workers in one process: one address, one store, one policy; and worker crashes. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { describe, type TestContext, test } from "node:test";
import { setTimeout as delay, setImmediate as nextTurn } from "node:timers/promises";
import { WorkerPool, type WorkerPoolObserver } from "../src/data-plane/worker-pool.ts";
import type { EngineKind } from "../src/engine/choice.ts";
import type { ListenAddress } from "../src/engine/engine.ts";
import { probeUring } from "../src/engine/uring/probe.ts";
import { COUNTER } from "../src/model/counters.ts";
import { CONTROL_PLANE } from "../src/store/shard-lock.ts";
import { allocateSwarmStore } from "../src/store/store-memory.ts";
import type { Recovery } from "../src/store/store-recovery.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";
import { announce } from "./support/announce.ts";
import { DEADLY_PORT } from "./support/deadly-port.ts";
import { makePolicy } from "./support/policy.ts";
import { assertConsistent } from "./support/store-consistency.ts";

const CRASHING = new URL("./dying-worker.ts", import.meta.url);
const LOOPBACK = [{ host: "127.0.0.1", port: 0 }];
const WORKERS = 3;
/** Several connections for each worker, so that the kernel almost certainly chooses every worker for some. */
const ATTEMPTS = 60;

/** Workers that can be made to crash, and the reports of their pool. */
class CrashingWorkers implements WorkerPoolObserver {
  readonly data = allocateSwarmStore(100_000, 16, [1, 2]);
  readonly pool: WorkerPool;
  readonly crashes: { worker: number; error: unknown; dropped: Recovery }[] = [];
  replacements = 0;
  classifications = 0;
  reason = "";
  streams: readonly ListenAddress[] = [];
  datagrams: readonly ListenAddress[] = [];

  private constructor(engine: EngineKind, workers: number) {
    this.pool = new WorkerPool(
      {
        workers,
        engine,
        store: this.data,
        view: new SwarmStore(this.data, CONTROL_PLANE),
        policy: makePolicy("127.0.1.0/24"),
        listen: { streams: LOOPBACK, datagrams: LOOPBACK },
        limits: {
          maxConnections: 1000,
          maxPerAddress: 1000,
          idleTimeoutMs: 60_000,
          requestTimeoutMs: 10_000,
          maxDeferred: 10,
        },
        connectionSecret: [1, 2, 3, 4, 5, 6, 7, 8],
        askSecret: [1, 2, 3, 4],
        clockBaseMs: 1_800_000_000_000,
        randomWords: (count) => Array.from({ length: count }, () => randomBytes(4).readUInt32LE()),
        script: CRASHING,
      },
      this,
    );
  }

  static async start(t: TestContext, engine: EngineKind, count: number): Promise<CrashingWorkers> {
    const workers = new CrashingWorkers(engine, count);
    t.after(() => workers.pool.stop(0));
    Object.assign(workers, await workers.pool.start());
    return workers;
  }

  event(): void {}
  reclassified(): void {
    this.classifications++;
  }
  crashed(worker: number, error: unknown, dropped: Recovery): void {
    this.crashes.push({ worker, error, dropped });
  }
  replaced(): void {
    this.replacements++;
  }
  gaveUp(_error: unknown, reason: string): void {
    this.reason = reason;
  }

  get url(): string {
    return `http://127.0.0.1:${this.streams[0].port}/announce`;
  }

  count(counter: number): number[] {
    return this.pool.counters.map((counters) => counters[counter]);
  }

  /** Announces until every worker has answered one. */
  async reachAll(infoHash: Buffer): Promise<void> {
    const before = this.count(COUNTER.announces);
    for (let port = 1000; ; port++) {
      await announce(this.url, { infoHash, port });
      if (this.count(COUNTER.announces).every((count, worker) => count > before[worker])) return;
    }
  }

  /** Makes a worker crash, and waits until it is replaced. */
  async kill(port: number, infoHash = randomBytes(20)): Promise<void> {
    const before = this.replacements;
    await assert.rejects(announce(this.url, { infoHash, port }));
    while (this.replacements === before && this.reason === "") await delay(5);
  }
}

const withoutUring = await probeUring();

describe("workers with the node engine", () => describeWorkers("node"));
describe("workers with the uring engine", { skip: withoutUring ?? false }, () => describeWorkers("uring"));

function describeWorkers(engine: EngineKind): void {
  test("workers share their addresses and the store", { timeout: 300_000 }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, WORKERS);
    const infoHash = randomBytes(20);
    await workers.reachAll(infoHash);
    const answered = workers.count(COUNTER.announces).reduce((sum, count) => sum + count);
    const { incomplete } = await announce(workers.url, { infoHash, port: 9 });
    assert.equal(incomplete, answered + 1, "each knows all peers");
    assert.deepEqual(workers.crashes, []);
  });

  test("a connection id of one worker is valid at every other", { timeout: 300_000 }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, WORKERS);
    const connect = Buffer.from("0000041727101980000000007472616e", "hex");
    const id = (await exchange(workers.datagrams[0], connect)).subarray(8);
    const scrape = Buffer.concat([id, Buffer.from("000000027472616e", "hex"), Buffer.alloc(20)]);
    for (let i = 0; i < ATTEMPTS || workers.count(COUNTER.scrapes).includes(0); i++) {
      assert.equal((await exchange(workers.datagrams[0], scrape)).readUInt32BE(0), 2);
    }
  });

  test("a reload reaches all workers, and is over when all are done", { timeout: 300_000 }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, WORKERS);
    const infoHash = randomBytes(20);
    for (let host = 1; host <= 50; host++) {
      await announce(workers.url, { infoHash, port: 7000, from: `127.0.2.${host}` });
    }
    workers.pool.adopt(makePolicy("127.0.2.0/24"));
    workers.pool.adopt(makePolicy("127.0.2.0/25"));
    while (workers.classifications === 0) await delay(5);
    assert.equal(workers.classifications, 1, "said once");
    const told = new Set<string>();
    for (let i = 0; i < ATTEMPTS; i++) {
      const { peers } = await announce(workers.url, { infoHash, port: 7001, from: "127.0.2.1" });
      for (const peer of peers) told.add(peer);
    }
    assert.equal(told.size, 50, "all are of the requester's group now: private addresses are given");
  });

  for (const [how, port] of Object.entries(DEADLY_PORT)) {
    test(`a worker that crashes (${how}) is replaced, and the others are not affected`, {
      timeout: 300_000,
    }, async (t) => {
      const workers = await CrashingWorkers.start(t, engine, WORKERS);
      const infoHash = randomBytes(20);
      await workers.reachAll(infoHash);
      const before = workers.count(COUNTER.announces);
      const othersAnswered = () =>
        workers
          .count(COUNTER.announces)
          .some((count, worker) => worker !== workers.crashes[0].worker && count > before[worker]);
      const dying = workers.kill(port, infoHash);
      do {
        await announce(workers.url, { infoHash: randomBytes(20), port: 7001 }).catch(() => {});
      } while (workers.replacements === 0 || !othersAnswered());
      await dying;
      const [{ worker, error, dropped }] = workers.crashes;
      assert.equal(workers.crashes.length, 1);
      assert.match(String(error), how === "exit" ? /undefined/ : /died on purpose/);
      assert.equal(dropped.shards, how === "unlocked" ? 0 : 1);
      if (how !== "unlocked") assert.ok(dropped.swarms >= 1 && dropped.peers >= 1, JSON.stringify(dropped));
      const accepted = workers.count(COUNTER.connectionsAccepted)[worker];
      assert.ok(workers.count(COUNTER.connectionsClosed)[worker] <= accepted);
      await workers.reachAll(infoHash);
      const { incomplete } = await announce(workers.url, { infoHash, port: 9 });
      assert.ok(incomplete > WORKERS, "the swarm is usable");
      await workers.pool.stop(1000);
      assertConsistent(workers.data, 1);
    });
  }

  test("the connections of a worker that crashes end, accepted or not", {
    timeout: 300_000,
  }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, 1);
    const crowd: Promise<void>[] = [];
    const dying = workers.kill(DEADLY_PORT.unlocked);
    while (workers.replacements === 0) {
      crowd.push(connectTo(workers.streams[0]));
      await nextTurn();
    }
    await Promise.all([dying, ...crowd]);
  });

  test("a single worker is replaced as well, on the same port", { timeout: 300_000 }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, 1);
    await workers.kill(DEADLY_PORT.exception);
    assert.equal((await announce(workers.url, { infoHash: randomBytes(20), port: 7001 })).incomplete, 1);
  });

  test("a reload ends though a worker crashes during it", { timeout: 300_000 }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, WORKERS);
    const dying = workers.kill(DEADLY_PORT.exception);
    workers.pool.adopt(makePolicy("127.0.2.0/24"));
    await dying;
    while (workers.classifications === 0) await delay(5);
  });

  test("the pool gives up when workers crash again and again", { timeout: 300_000 }, async (t) => {
    const workers = await CrashingWorkers.start(t, engine, 2);
    for (let crash = 0; crash < 5; crash++) await workers.kill(DEADLY_PORT.exit);
    assert.match(workers.reason, /^5 workers crashed within 60 seconds$/);
    assert.equal(workers.replacements, 4);
    await workers.pool.stop(1000);
    assertConsistent(workers.data, 5);
    assert.ok(new SwarmStore(workers.data, 500).peerCount <= 5);
  });
}

/** Connects, sends a request, and waits until the connection has ended in any way. */
function connectTo({ host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on("error", () => {}).on("close", () => resolve());
    socket.end("GET /announce?", "latin1");
    socket.resume();
  });
}

/** Sends a datagram from its own socket. @returns the reply. */
async function exchange({ host, port }: ListenAddress, datagram: Uint8Array): Promise<Buffer> {
  const socket = createSocket("udp4");
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      socket.once("message", resolve).once("error", reject);
      socket.send(datagram, port, host);
    });
  } finally {
    socket.close();
  }
}
