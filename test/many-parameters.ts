/**
 * Functions that may have more parameters than others: they run for every request, and each request would allocate an
 * options object.
 */
export const MANY_PARAMETERS: Record<string, readonly string[]> = {
  "src/wire/http-announce.ts": ["encode"],
  "src/wire/tracker-url.ts": ["set"],
  "src/store/client-pairs.ts": ["#findIn"],
  "src/store/displacement.ts": ["#yields"],
  "src/store/household-limits.ts": ["count"],
  "src/store/traffic-table.ts": ["count", "#hybridOf"],
  "src/services/upstream-trackers.ts": ["ask"],
  "src/selection/own-tracker-peers.ts": ["write"],
  "src/selection/peer-selection.ts": ["select", "#fill", "#write"],
};
