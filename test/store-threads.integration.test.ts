/** Several threads over one store: no data is lost between them, and a crashed thread loses little. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ROW_WORDS } from "../src/hash-list/hash-list.ts";
import type { HashListSettings } from "../src/hash-list/settings.ts";
import { SwarmScanner } from "../src/hash-list/swarm-scanner.ts";
import { allocateCounters } from "../src/model/counters.ts";
import { INFO_HASH_WORDS } from "../src/model/info-hash.ts";
import { buildPeerGroups, PeerGroups } from "../src/network/peer-groups.ts";
import { parsePrefix } from "../src/network/prefix.ts";
import { CONTROL_PLANE, holderOf } from "../src/store/shard-lock.ts";
import { allocateSwarmStore, type SwarmStoreData } from "../src/store/store-memory.ts";
import { recoverStore } from "../src/store/store-recovery.ts";
import { SwarmStore } from "../src/store/swarm-store.ts";
import { AccessList, buildAccessList } from "../src/tracker/access-list.ts";
import { allocateCensus } from "../src/tracker/census.ts";
import { Sweeper } from "../src/tracker/sweeper.ts";
import type { HammerOptions } from "./store-hammer.ts";
import { assertConsistent } from "./support/store-consistency.ts";

const WORKERS = Math.max(2, Math.min(4, availableParallelism()));
const ANNOUNCES = 200_000;
const KILLS = 30;
const LISTS = 50;
const SHARDS = 4;

/** The first peer groups of the hammers. */
const LISTED = buildPeerGroups(
  [
    { name: "a", priority: 0, prefixes: ["10.0.0.0/9", "2001:db8::/33"], reachableFrom: ["b"] },
    { name: "b", priority: 1, prefixes: ["10.128.0.0/9", "2001:db8:8000::/33"], reachableFrom: ["a"] },
  ].map((group) => ({ ...group, prefixes: group.prefixes.map((text) => parsePrefix(text).prefix) })),
);

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

  /** Waits for `more` announces, of all threads or of one. */
  async announced(count: number, worker = -1): Promise<void> {
    const word = worker === -1 ? 1 : 2 + worker;
    const before = Atomics.load(this.shared, word);
    while (Atomics.load(this.shared, word) < before + count) await delay(1);
  }

  /** Ends all threads. It succeeds only if none waits for a lock forever. */
  async end(): Promise<void> {
    Atomics.store(this.shared, 0, 1);
    await Promise.all([...this.#running.values()].map((thread) => once(thread, "exit")));
    this.#running.clear();
  }
}

/** Lets all peers expire. */
function expireAll(data: SwarmStoreData): void {
  const groups = new PeerGroups(buildPeerGroups([]));
  const store = new SwarmStore(data, CONTROL_PLANE);
  const sweeper = new Sweeper({
    store,
    groups,
    peerExpiry: 100,
    counters: allocateCounters(),
    census: allocateCensus(),
    worker: 0,
    workers: 1,
  });
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

test("hash lists are made while threads announce", { timeout: 300_000 }, async (t) => {
  const hammers = new Hammers(t, 100_000);
  for (let worker = 0; worker < WORKERS; worker++) hammers.start(worker, 1);
  const scanner = new SwarmScanner(new SwarmStore(hammers.store, CONTROL_PLANE));
  const settings: HashListSettings = {
    path: null,
    formats: [],
    interval: 600,
    minComplete: 2,
    leaveComplete: 1,
    minPeers: 1,
    minDwell: 0,
    tiers: 2,
    maxEntries: 50,
    exclude: new AccessList(buildAccessList("off", new Uint32Array(0))),
    dryRun: false,
  };
  scanner.adopt(LISTED, settings);
  const rest = () => delay(0);
  for (let list = 0; list < LISTS; list++) {
    await hammers.announced(ANNOUNCES / LISTS);
    await scanner.scan(settings, () => 1_000_000 + list, rest);
    const { hashes, rows, rowsAt } = await scanner.confirm(settings, () => 1_000_000 + list, rest);
    const swarms = Array.from(
      { length: hashes.length / INFO_HASH_WORDS },
      (_, i) => hashes[i * INFO_HASH_WORDS],
    );
    assert.ok(swarms.length > 0 && swarms.length <= 50);
    assert.ok(swarms.every((swarm, i) => i === 0 || swarms[i - 1] < swarm));
    for (let i = 0; i < swarms.length; i++) {
      let complete = 0;
      for (let at = rowsAt[i]; at < rowsAt[i + 1]; at += ROW_WORDS) complete += rows[at + 1];
      assert.ok(complete > 0, `nobody has torrent ${swarms[i]}`);
    }
  }
  await hammers.end();
  assertConsistent(hammers.store);
});

test("threads that are ended anywhere lock nobody out, and break nothing", {
  timeout: 300_000,
}, async (t) => {
  const hammers = new Hammers(t, 3000);
  const view = new SwarmStore(hammers.store, CONTROL_PLANE);
  hammers.start(1, 1);
  let emptied = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const victim = hammers.start(0, 100 + kill);
    await hammers.announced(1000 + kill, 0);
    await victim.terminate();
    let recovery = recoverStore(hammers.store, view, holderOf(0), 20);
    while (recovery === undefined) recovery = recoverStore(hammers.store, view, holderOf(0), 20);
    emptied += recovery.shards;
  }
  hammers.start(0, 1);
  await hammers.announced(10_000);
  await hammers.end();
  t.diagnostic(`${emptied} shards were emptied in ${KILLS} deaths`);
  assert.ok(emptied > 0, "none died inside of the store");
  assertConsistent(hammers.store, KILLS);
});
