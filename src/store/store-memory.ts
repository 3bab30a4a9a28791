/**
 * The shared memory of all swarms and their peers. `max_peers` is the limit. The memory for that many peers is reserved
 * at start, and touched only as it fills.
 */
import { allocateChangeLog, type ChangeLogData } from "./change-log.ts";
import { allocateEndpointCounts, endpointCountBytes } from "./endpoint-counts.ts";
import { allocateHeap, type HeapData, heapSlackWords } from "./heap.ts";
import { allocateHouseholdCounts, householdCountBytes } from "./household-counts.ts";
import { allocateHybrids } from "./hybrid-table.ts";
import { ENTRY_WORDS } from "./layout/entry.ts";
import { RECORD_WORDS } from "./layout/peer.ts";
import { allocateRefusedPairs, refusedPairBytes } from "./refused-pairs.ts";
import { allocateSwarmTable, type SwarmTableData } from "./swarm-table.ts";
import { allocateTraffic } from "./traffic-table.ts";

/** The distance between two locks in words. Each has its own line of the processor's cache. */
export const LOCK_STRIDE = 16;

/** Offsets in {@link SwarmStoreData.totals}. */
export const TOTAL = { peers: 0, swarms: 1 } as const;

/**
 * The maximum of words for one peer, which is that of a swarm with a single IPv6 peer. Peers of larger lists take less.
 * A sixteenth is added, because blocks do not fill their chunks exactly.
 */
const WORDS_PER_PEER = Math.ceil((ENTRY_WORDS + 1 + RECORD_WORDS[6]) * (17 / 16));

/** The store's shared memory, which all threads get. */
export interface SwarmStoreData {
  readonly shards: number;
  readonly maxPeers: number;
  readonly hashKey: readonly [number, number];
  readonly locks: Int32Array<SharedArrayBuffer>;
  /** Peers and swarms in all shards ({@link TOTAL}). */
  readonly totals: Int32Array<SharedArrayBuffer>;
  /** Peers of each shard. */
  readonly peers: Int32Array<SharedArrayBuffer>;
  /** Learned peers of each shard. */
  readonly learned: Int32Array<SharedArrayBuffer>;
  readonly heap: HeapData;
  readonly table: SwarmTableData;
  readonly changes: ChangeLogData;
  readonly traffic: Uint32Array<SharedArrayBuffer>;
  readonly households: Uint16Array<SharedArrayBuffer>;
  readonly hybrids: Uint32Array<SharedArrayBuffer>;
  /** For the gate: counts of each outside endpoint's records (endpoint-counts.ts), and what routers refuse (refused-pairs.ts). */
  readonly endpoints: Uint8Array<SharedArrayBuffer> | undefined;
  readonly refusedPairs: Int32Array<SharedArrayBuffer> | undefined;
}

/** The number of shards: several for each worker, so that workers seldom wait. A power of two, at most 256. */
export function shardsFor(workers: number): number {
  return Math.min(256, 2 ** Math.ceil(Math.log2(workers * 8)));
}

/** The maximum of bytes for a store of `maxPeers` peers. @param hasGate as {@link allocateSwarmStore}. */
export function memoryBound(maxPeers: number, shards: number, hasGate: boolean): number {
  const gate = hasGate ? endpointCountBytes(maxPeers) + refusedPairBytes(maxPeers) : 0;
  return heapWordsFor(maxPeers, shards) * 4 + householdCountBytes(maxPeers, shards) + gate;
}

function heapWordsFor(maxPeers: number, shards: number): number {
  return maxPeers * WORDS_PER_PEER + heapSlackWords(shards);
}

/**
 * Reserves the memory of a store.
 * @param shards as {@link shardsFor} gives them.
 * @param hashKey two random words that clients cannot know.
 * @param hasGate whether there is memory for what the gate and the workers tell each other.
 * @throws RangeError if the memory cannot be reserved.
 */
export function allocateSwarmStore(
  maxPeers: number,
  shards: number,
  hashKey: readonly [number, number],
  hasGate = false,
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
    endpoints: hasGate ? allocateEndpointCounts(maxPeers) : undefined,
    refusedPairs: hasGate ? allocateRefusedPairs(maxPeers) : undefined,
  };
}

/** The numbers of peers, swarms and learned peers in all shards. */
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
