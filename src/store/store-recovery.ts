/**
 * What becomes of the store when a thread dies inside of it.
 *
 * A shard that a thread held when it died may be half changed, and no order of its words would make every change whole
 * at every point. So the shard is emptied: its swarms are forgotten, its memory goes back, and clients announce again
 * within the interval. Which chunks of memory are the shard's is known apart from all lists that could be broken: each
 * chunk says whose it is, in one word that is written at once, and the list of free chunks is made anew from these
 * words. Nothing is lost of the memory; the count of all peers may be one off from then on.
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
}

/**
 * Frees what a dead thread held, emptying the shards among it. For the control plane, once the thread has ended.
 * @param store the control plane's view of `data`.
 * @param holder the thread's number as a holder of locks.
 * @param waitMs how long to wait for the lock of the memory, which living threads hold for less than a microsecond.
 * @returns what was dropped, or undefined when the wait was in vain: call again.
 * @throws Error when an emptied shard breaks an invariant (invariants.ts).
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
    // Those that it had before a wait in vain are the control plane's by now.
    if (
      inheritLock(locks, lock, holder, CONTROL_PLANE) ||
      inheritLock(locks, lock, CONTROL_PLANE, CONTROL_PLANE)
    ) {
      held.push(shard);
    }
    // Whoever it had been about to wake sleeps still.
    Atomics.notify(locks, lock);
  }
  if (!new Heap(data.heap, CONTROL_PLANE).reclaim(held, holder, waitMs)) return undefined;
  let swarms = 0;
  let peers = 0;
  for (const shard of held) {
    swarms += store.swarmsIn(shard);
    peers += store.forgetShard(shard);
    const [fault] = shardFaults(data, store, shard);
    if (fault !== undefined) throw new Error(`an emptied shard is not empty: ${fault}`);
    unlock(locks, shard * LOCK_STRIDE);
  }
  return { shards: held.length, swarms, peers };
}
