/** Finds the swarms that have changed, for storage. */
import { SWARM_FLAG } from "./swarm-state.ts";
import type { SwarmStore } from "./swarm-store.ts";
import { ENTRY } from "./swarm-table.ts";

/**
 * The number of the first swarm in `[number, end)` that has changed and not been settled since, or -1. The caller holds
 * the shard.
 */
export function nextChanged(store: SwarmStore, shard: number, number: number, end: number): number {
  for (let i = number; i < end; i++) {
    if ((store.words[store.swarmAt(shard, i) + ENTRY.flags] & SWARM_FLAG.changed) !== 0) return i;
  }
  return -1;
}
