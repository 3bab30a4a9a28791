/** Checks all invariants of a store that no thread is changing. */
import assert from "node:assert/strict";
import { Address, type Family } from "../../src/model/address.ts";
import { hashHousehold } from "../../src/store/household.ts";
import { HouseholdCounts } from "../../src/store/household-counts.ts";
import { KeyedHash } from "../../src/store/keyed-hash.ts";
import { CHUNK_WORDS } from "../../src/store/layout/block.ts";
import { duplicateCount, learnedCount } from "../../src/store/layout/entry.ts";
import { isComplete, isDuplicate, isLearned, portOf } from "../../src/store/layout/key.ts";
import { readAddress, wordAOf } from "../../src/store/layout/peer.ts";
import type { SwarmStoreData } from "../../src/store/store-memory.ts";
import { SwarmStore } from "../../src/store/swarm-store.ts";

/** Peers of a swarm, counted one by one. */
interface Found {
  complete: number;
  incomplete: number;
  learned: number;
  duplicates: number;
}

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
    let learned = 0;
    for (let number = 0; number < store.swarmsIn(shard); number++) {
      const entry = store.swarmAt(shard, number);
      inShard += checkSwarm(store, entry);
      households.add(store, shard, entry);
      learned += learnedCount(store.words, entry);
    }
    assert.equal(data.peers[shard], inShard, `peers of shard ${shard}`);
    assert.equal(data.learned[shard], learned, `learned peers of shard ${shard}`);
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

/** @returns the number of its peers. */
function checkSwarm(store: SwarmStore, entry: number): number {
  const found = { complete: 0, incomplete: 0, learned: 0, duplicates: 0 };
  checkList(store, entry, 4, found);
  checkList(store, entry, 6, found);
  const { complete, incomplete, learned, duplicates } = found;
  assert.deepEqual(
    [
      store.complete(entry),
      store.incomplete(entry),
      learnedCount(store.words, entry),
      duplicateCount(store.words, entry),
    ],
    [complete, incomplete, learned, duplicates],
  );
  assert.ok(complete + incomplete + duplicates > 0, "no swarm is without announced peers");
  return complete + incomplete + learned + duplicates;
}

function checkList(store: SwarmStore, entry: number, family: Family, found: Found): void {
  const list = store.list(family);
  const cell = store.listCell(entry, family);
  const address = new Address();
  for (let position = 0; position < list.count(cell); position++) {
    const record = list.recordAt(cell, position);
    const { words } = store;
    readAddress(words, record, family, address);
    const key = words[wordAOf(record, family)];
    assert.equal(list.find(cell, address.words, portOf(key)), position, "every peer is found where it is");
    if (isLearned(key)) found.learned++;
    else if (isDuplicate(key)) found.duplicates++;
    else if (isComplete(key)) found.complete++;
    else found.incomplete++;
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
