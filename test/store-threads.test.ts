/** Several threads over one store: they lose nothing of each other's, and one that dies takes little with it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { allocateCounters } from "../src/model/counters.ts";
import { buildPeerGroups, PeerGroups } from "../src/network/peer-groups.ts";
import { allocateCensus } from "../src/tracker/census.ts";
import { CONTROL_PLANE, holderOf } from "../src/tracker/shard-lock.ts";
import { allocateSwarmStore, type SwarmStoreData } from "../src/tracker/store-memory.ts";
import { recoverStore } from "../src/tracker/store-recovery.ts";
import { SwarmStore } from "../src/tracker/swarm-store.ts";
import { Sweeper } from "../src/tracker/sweeper.ts";
import { assertConsistent } from "./store-consistency.ts";
import type { HammerOptions } from "./store-hammer.ts";

const WORKERS = Math.max(2, Math.min(4, availableParallelism()));
const ANNOUNCES = 200_000;
const KILLS = 30;
const SHARDS = 4;

class Hammers {
  readonly shared = new Int32Array(new SharedArrayBuffer(4 * (2 + WORKERS)));
  readonly store: SwarmStoreData;
  readonly #running = new Map<number, Worker>();

  constructor(t: TestContext, maxPeers: number) {
    this.store = allocateSwarmStore(maxPeers, SHARDS, [5, 6]);
    t.after(() => Promise.all([...this.#running.values()].map((worker) => worker.terminate())));
  }

  start(worker: number, seed: number): Worker {
    const workerData: HammerOptions = {
      store: this.store,
      worker,
      workers: WORKERS,
      seed,
      shared: this.shared,
    };
    const thread = new Worker(new URL("./store-hammer.ts", import.meta.url), { workerData });
    this.#running.set(worker, thread);
    return thread;
  }

  /** Waits for so many more announces, of all or of one. */
  async announced(count: number, worker = -1): Promise<void> {
    const word = worker === -1 ? 1 : 2 + worker;
    const before = Atomics.load(this.shared, word);
    while (Atomics.load(this.shared, word) < before + count) await delay(1);
  }

  /** Lets all end, which they do only if none waits for a lock for ever. */
  async end(): Promise<void> {
    Atomics.store(this.shared, 0, 1);
    await Promise.all([...this.#running.values()].map((thread) => once(thread, "exit")));
    this.#running.clear();
  }
}

/** Lets everybody expire. */
function expireAll(data: SwarmStoreData): void {
  const groups = new PeerGroups(buildPeerGroups([]));
  const store = new SwarmStore(data, CONTROL_PLANE);
  const sweeper = new Sweeper(store, groups, 100, allocateCounters(), allocateCensus(), 0, 1);
  while (!sweeper.step(1_030_000, 1_000_000));
  sweeper.step(1_030_000, 1_000_000);
}

for (const maxPeers of [100_000, 3000]) {
  test(`${WORKERS} threads announce and sweep, with room for ${maxPeers} peers`, {
    timeout: 300_000,
  }, async (t) => {
    const hammers = new Hammers(t, maxPeers);
    for (let worker = 0; worker < WORKERS; worker++) hammers.start(worker, 1);
    await hammers.announced(ANNOUNCES);
    await hammers.end();
    assertConsistent(hammers.store);
    const store = new SwarmStore(hammers.store, CONTROL_PLANE);
    assert.ok(store.peerCount > 100 && store.peerCount <= maxPeers, `${store.peerCount} peers`);
    expireAll(hammers.store);
    assertConsistent(hammers.store);
    assert.deepEqual([store.peerCount, store.swarmCount], [0, 0]);
  });
}

test("threads that are ended anywhere lock nobody out, and break nothing", {
  timeout: 300_000,
}, async (t) => {
  const hammers = new Hammers(t, 3000);
  hammers.start(1, 1);
  let emptied = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const victim = hammers.start(0, 100 + kill);
    await hammers.announced(1000 + kill, 0);
    await victim.terminate();
    let recovery = recoverStore(hammers.store, holderOf(0), 20);
    while (recovery === undefined) recovery = recoverStore(hammers.store, holderOf(0), 20);
    emptied += recovery.shards;
  }
  hammers.start(0, 1);
  await hammers.announced(10_000);
  await hammers.end();
  t.diagnostic(`${emptied} shards were emptied in ${KILLS} deaths`);
  assert.ok(emptied > 0, "none died inside of the store");
  assertConsistent(hammers.store, KILLS);
});
