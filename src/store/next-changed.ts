/** Finds the swarms that have changed, for storage. */
import { flagsOf, hasChanged } from "./layout/entry.ts";
import type { SwarmStore } from "./swarm-store.ts";

/**
 * The number of the first swarm in `[number, end)` that has changed since storage last read it, or -1. The caller holds
 * the shard.
 */
export function nextChanged(store: SwarmStore, shard: number, number: number, end: number): number {
  for (let i = number; i < end; i++) {
    if (hasChanged(flagsOf(store.words, store.swarmAt(shard, i)))) return i;
  }
  return -1;
}
