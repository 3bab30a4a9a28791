/** Checks all invariants of a store that no thread is changing. */
import assert from "node:assert/strict";
import { hashHousehold } from "../../src/store/household.ts";
import { HouseholdCounts } from "../../src/store/household-counts.ts";
import { shardFaults } from "../../src/store/invariants.ts";
import { KeyedHash } from "../../src/store/keyed-hash.ts";
import { CHUNK_WORDS } from "../../src/store/layout/block.ts";
import { isLearned } from "../../src/store/layout/key.ts";
import { wordAOf } from "../../src/store/layout/peer.ts";
import type { SwarmStoreData } from "../../src/store/store-memory.ts";
import { SwarmStore } from "../../src/store/swarm-store.ts";

/** Offsets in the heap of the number of allocated chunks, and of the first free one. */
const POOL = { lock: 0, taken: 1, freeList: 2 };

/** @param drift the allowed error of the totals. @throws AssertionError */
export function assertConsistent(data: SwarmStoreData, drift = 0): void {
  const store = new SwarmStore(data, 500);
  const households = new Households(data);
  let peers = 0;
  let swarms = 0;
  for (let shard = 0; shard < data.shards; shard++) {
    store.enterShard(shard);
    let inShard = 0;
    for (let number = 0; number < store.swarmsIn(shard); number++) {
      const entry = store.swarmAt(shard, number);
      inShard +=
        store.list(4).count(store.listCell(entry, 4)) + store.list(6).count(store.listCell(entry, 6));
      households.add(store, shard, entry);
    }
    assert.deepEqual(shardFaults(data, store, shard), []);
    peers += inShard;
    swarms += store.swarmsIn(shard);
    store.leave(shard);
  }
  assert.ok(Math.abs(store.peerCount - peers) <= drift, `${store.peerCount} peers counted, of ${peers}`);
  assert.ok(Math.abs(store.swarmCount - swarms) <= drift, `${store.swarmCount} swarms counted, of ${swarms}`);
  assert.deepEqual(data.households, households.counts, "peers of households");
  checkChunks(data);
}

/** Counts the announced peers of each household again. */
class Households {
  readonly counts: Uint16Array<SharedArrayBuffer>;
  readonly #counts: HouseholdCounts;
  readonly #hash: KeyedHash;

  constructor({ households, shards, hashKey }: SwarmStoreData) {
    this.counts = new Uint16Array(new SharedArrayBuffer(households.byteLength));
    this.#counts = new HouseholdCounts(this.counts, shards);
    this.#hash = new KeyedHash(hashKey[0], hashKey[1]);
  }

  add(store: SwarmStore, shard: number, entry: number): void {
    for (const family of [4, 6] as const) {
      const list = store.list(family);
      const cell = store.listCell(entry, family);
      for (let position = 0; position < list.count(cell); position++) {
        const record = list.recordAt(cell, position);
        if (isLearned(store.words[wordAOf(record, family)])) continue;
        this.#counts.add(shard, hashHousehold(this.#hash, family, store.words, record), 1);
      }
    }
  }
}

/** Every chunk belongs to a shard or is free, and the list of free chunks has exactly the free ones. */
function checkChunks({ heap, table, shards }: SwarmStoreData): void {
  const { pool, chunkShard, chunkPrevious, chunkClass, tail } = heap;
  assert.equal(pool[POOL.lock], 0, "the pool is unlocked");
  const free = new Set<number>();
  for (let chunk = pool[POOL.freeList]; chunk !== 0; chunk = chunkPrevious[chunk]) {
    assert.ok(!free.has(chunk), "a chunk is free once");
    free.add(chunk);
  }
  const owned = new Map<number, number>();
  const own = (shard: number, chunk: number) => {
    assert.ok(!owned.has(chunk), `chunk ${chunk} is of shard ${owned.get(chunk)} and ${shard}`);
    owned.set(chunk, shard);
  };
  const classes = tail.length / shards;
  for (let shard = 0; shard < shards; shard++) {
    for (let c = 0; c < classes; c++) {
      for (let chunk = tail[shard * classes + c]; chunk !== 0; chunk = chunkPrevious[chunk]) {
        assert.equal(chunkClass[chunk], c);
        own(shard, chunk);
      }
    }
    const entries = Math.ceil(table.counts[shard] / (CHUNK_WORDS / 16));
    for (let i = 0; i < entries; i++) own(shard, table.chunks[shard * chunkClass.length + i]);
  }
  for (let chunk = 1; chunk < pool[POOL.taken]; chunk++) {
    assert.equal(chunkShard[chunk], (owned.get(chunk) ?? -1) + 1, `the shard of chunk ${chunk}`);
    assert.equal(free.has(chunk), !owned.has(chunk), `chunk ${chunk} is free or taken`);
  }
}
