/** Which swarms the gate (gate/) has to look at: the data plane and the control plane decide it alike. */
import type { SwarmStore } from "../store/swarm-store.ts";

/** Downloaders with which a home can feed itself. */
export const LEECHERS_LEAST = 2;

/**
 * Complete peers with which a single downloader may be gated. Most downloads of a day are the only one of their torrent at
 * home. In the simulator (`--public --gate`), 3 copies save nine tenths of what 2 save, in less time.
 */
export const SEEDS_FOR_ONE = 3;

/** Whether a swarm may be gated in some home, judged only by its counts. @param lost downloaders that it has just lost. */
export function mayBeGated(store: SwarmStore, entry: number, lost: number): boolean {
  const leechers = store.incomplete(entry) + lost;
  return leechers >= LEECHERS_LEAST || (leechers > 0 && store.complete(entry) >= SEEDS_FOR_ONE);
}
