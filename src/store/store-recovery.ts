/**
 * Repairs the store after a worker crash.
 *
 * A shard that a worker held when it crashed may be half changed, and no order of writes could prevent that. So recovery
 * empties the shard: it drops the swarms and frees the memory, and clients announce again within the interval. It does
 * not read the lists of the shard, which may be damaged. Each chunk of memory names its shard in one word, which is
 * written atomically. The list of free chunks is rebuilt from these words, so no memory is lost. The count of all peers
 * may be wrong by one afterwards.
 */
import { Heap } from "./heap.ts";
import { shardFaults } from "./invariants.ts";
import { CONTROL_PLANE, inheritLock, unlock } from "./shard-lock.ts";
import { LOCK_STRIDE, type SwarmStoreData } from "./store-memory.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** What was dropped. */
export interface Recovery {
  readonly shards: number;
  readonly swarms: number;
  readonly peers: number;
  /** A text for each emptied shard that broke an invariant (invariants.ts). There should be none. */
  readonly faults: readonly string[];
}

/**
 * Empties the shards that a crashed worker held, and releases its locks. For the control plane, after the worker has
 * ended. Whatever goes wrong, the shards are unlocked: a locked shard would stop all workers.
 * @param store the control plane's view of `data`.
 * @param holder the worker's number as a holder of locks.
 * @param waitMs how long to wait for the lock of the memory, which running workers hold for less than a microsecond.
 * @returns what was dropped, or undefined if the lock was not available: call again.
 */
export function recoverStore(
  data: SwarmStoreData,
  store: SwarmStore,
  holder: number,
  waitMs: number,
): Recovery | undefined {
  const { locks } = data;
  const held: number[] = [];
  for (let shard = 0; shard < data.shards; shard++) {
    const lock = shard * LOCK_STRIDE;
    // The control plane holds the shards that it took over in an earlier call, which did not get the memory's lock.
    if (
      inheritLock(locks, lock, holder, CONTROL_PLANE) ||
      inheritLock(locks, lock, CONTROL_PLANE, CONTROL_PLANE)
    ) {
      held.push(shard);
    }
    // The crashed worker may have unlocked a shard without waking the thread that waits for it.
    Atomics.notify(locks, lock);
  }
  if (!new Heap(data.heap, CONTROL_PLANE).reclaim(held, holder, waitMs)) return undefined;
  let swarms = 0;
  let peers = 0;
  const faults: string[] = [];
  for (const shard of held) {
    try {
      swarms += store.swarmsIn(shard);
      peers += store.forgetShard(shard);
      faults.push(...shardFaults(data, store, shard).slice(0, 1));
    } catch (error) {
      faults.push(`shard ${shard}: ${error}`);
    }
    unlock(locks, shard * LOCK_STRIDE);
  }
  return { shards: held.length, swarms, peers, faults };
}
