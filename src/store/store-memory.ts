/**
 * The shared memory of all swarms and their peers. What may be stored is bounded by `max_peers`: the memory for that
 * many peers is reserved at start, and touched only as it fills.
 */
import { allocateChangeLog, type ChangeLogData } from "./change-log.ts";
import { allocateEndpointCounts, endpointCountBytes } from "./endpoint-counts.ts";
import { allocateHeap, type HeapData, heapSlackWords } from "./heap.ts";
import { allocateHouseholdCounts, householdCountBytes } from "./household-counts.ts";
import { allocateHybrids } from "./hybrid-table.ts";
import { ENTRY_WORDS } from "./layout/entry.ts";
import { RECORD_WORDS } from "./layout/peer.ts";
import { allocateSwarmTable, type SwarmTableData } from "./swarm-table.ts";
import { allocateTraffic } from "./traffic-table.ts";

/** Locks are this many words apart: each has a line of the cache to itself. */
export const LOCK_STRIDE = 16;

/** Where what is in all shards is counted, in {@link SwarmStoreData.totals}. */
export const TOTAL = { peers: 0, swarms: 1 } as const;

/**
 * Words that one peer takes at most: the only IPv6 peer of a swarm. Peers of larger lists take less in every class,
 * since lists are dense; chunks that do not divide evenly by their blocks add up to a sixteenth.
 */
const WORDS_PER_PEER = Math.ceil((ENTRY_WORDS + 1 + RECORD_WORDS[6]) * (17 / 16));

/** The store's shared memory, as it is handed from thread to thread. */
export interface SwarmStoreData {
  readonly shards: number;
  readonly maxPeers: number;
  readonly hashKey: readonly [number, number];
  readonly locks: Int32Array<SharedArrayBuffer>;
  /** Peers and swarms in all shards, and the peers of each. */
  readonly totals: Int32Array<SharedArrayBuffer>;
  readonly peers: Int32Array<SharedArrayBuffer>;
  /** Of each shard's peers, those that are learned. */
  readonly learned: Int32Array<SharedArrayBuffer>;
  readonly heap: HeapData;
  readonly table: SwarmTableData;
  readonly changes: ChangeLogData;
  readonly traffic: Uint32Array<SharedArrayBuffer>;
  readonly households: Uint16Array<SharedArrayBuffer>;
  readonly hybrids: Uint32Array<SharedArrayBuffer>;
  /** Counts of each endpoint's records (endpoint-counts.ts), where the gate needs them. */
  readonly endpoints: Uint8Array<SharedArrayBuffer> | undefined;
}

/** Shards for so many workers: several for each, so that they seldom meet. A power of two, at most 256. */
export function shardsFor(workers: number): number {
  return Math.min(256, 2 ** Math.ceil(Math.log2(workers * 8)));
}

/** Bytes that a store for `maxPeers` peers takes at most. @param countsEndpoints as {@link allocateSwarmStore}. */
export function memoryBound(maxPeers: number, shards: number, countsEndpoints: boolean): number {
  const endpoints = countsEndpoints ? endpointCountBytes(maxPeers) : 0;
  return heapWordsFor(maxPeers, shards) * 4 + householdCountBytes(maxPeers, shards) + endpoints;
}

function heapWordsFor(maxPeers: number, shards: number): number {
  return maxPeers * WORDS_PER_PEER + heapSlackWords(shards);
}

/**
 * Reserves the memory of a store.
 * @param shards as {@link shardsFor} gives them.
 * @param hashKey two random words that clients cannot know.
 * @param countsEndpoints whether the records of each endpoint are counted, for the gate.
 * @throws RangeError when the memory cannot be reserved.
 */
export function allocateSwarmStore(
  maxPeers: number,
  shards: number,
  hashKey: readonly [number, number],
  countsEndpoints = false,
): SwarmStoreData {
  const heap = allocateHeap(heapWordsFor(maxPeers, shards), shards);
  return {
    shards,
    maxPeers,
    hashKey,
    locks: new Int32Array(new SharedArrayBuffer(shards * LOCK_STRIDE * 4)),
    totals: new Int32Array(new SharedArrayBuffer(8)),
    peers: new Int32Array(new SharedArrayBuffer(shards * 4)),
    learned: new Int32Array(new SharedArrayBuffer(shards * 4)),
    heap,
    table: allocateSwarmTable(shards, heap.chunkClass.length),
    changes: allocateChangeLog(shards),
    traffic: allocateTraffic(maxPeers, shards),
    households: allocateHouseholdCounts(maxPeers, shards),
    hybrids: allocateHybrids(maxPeers),
    endpoints: countsEndpoints ? allocateEndpointCounts(maxPeers) : undefined,
  };
}

/** Peers and swarms in all shards, and how many of the peers are learned. */
export function countsOf({ totals, learned }: SwarmStoreData): {
  readonly peers: number;
  readonly swarms: number;
  readonly learned: number;
} {
  return {
    peers: Atomics.load(totals, TOTAL.peers),
    swarms: Atomics.load(totals, TOTAL.swarms),
    learned: learned.reduce((sum, count) => sum + count, 0),
  };
}
