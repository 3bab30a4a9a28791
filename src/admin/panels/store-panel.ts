/** The store: how many swarms and peers it has, and the memory for them. */
import { z } from "zod";
import { COUNTER } from "../../model/counters.ts";
import { usedBytes } from "../../store/heap.ts";
import { countsOf } from "../../store/store-memory.ts";
import { counter, gauge, type Metric } from "../exposition.ts";
import type { Panel, Warning } from "../panel.ts";
import { type Rates, TRAFFIC_WINDOW } from "../rates.ts";
import { readCensus, type Totals } from "../readings.ts";
import type { Sources } from "../sources.ts";

/** From this part of `max_peers` on, the tracker is nearly full. */
const NEARLY_FULL = 0.9;

const count = z.int().nonnegative();

/** The panel's fields. */
export const storeSchema = z.object({
  swarms: count,
  peers: count.describe("All peers in memory, learned peers included."),
  learnedPeers: count.describe(
    "Peers known only from other trackers. Only the count of all peers includes them.",
  ),
  peersLimit: count,
  memory: z.object({
    swarmBytes: count,
    swarmBytesLimit: count,
    residentBytes: count.describe("Of the whole process."),
  }),
});

type Reading = z.output<typeof storeSchema>;

/** Shows the store. */
export function storePanel(sources: Sources, rates: Rates): Panel<typeof storeSchema> {
  return {
    schema: storeSchema,
    read: () => readStore(sources),
    metrics: (reading, totals) => storeMetrics(reading, totals, readCensus(sources.census).sizes),
    warnings: (reading) => findWarnings(reading, rates),
  };
}

function readStore({ store, memoryBound }: Sources): Reading {
  const { peers, learned, swarms } = countsOf(store);
  return {
    swarms,
    peers,
    learnedPeers: learned,
    peersLimit: store.maxPeers,
    memory: {
      swarmBytes: usedBytes(store.heap),
      swarmBytesLimit: memoryBound,
      residentBytes: process.memoryUsage.rss(),
    },
  };
}

/** @param sizes swarms by size (tracker/census.ts). */
function storeMetrics(reading: Reading, { counters }: Totals, sizes: Float64Array): Metric[] {
  const { swarms, peers, learnedPeers, peersLimit, memory } = reading;
  return [
    gauge("btrt_swarms", "Torrents with peers.", { value: swarms }),
    gauge("btrt_peers", "Peers in all swarms, learned peers included.", { value: peers }),
    gauge(
      "btrt_learned_peers",
      "Peers known only from other trackers. Only the count of all peers includes them.",
      {
        value: learnedPeers,
      },
    ),
    gauge("btrt_peers_limit", "tracker.max_peers.", { value: peersLimit }),
    counter("btrt_peers_expired_total", "Peers removed because they stopped announcing.", {
      value: counters[COUNTER.peersExpired],
    }),
    gauge(
      "btrt_swarms_by_size",
      "Swarms by size in the last scan. The label is the largest size of the class: 8 counts swarms of 5 to 8 peers.",
      ...Array.from(sizes, (value, i) => ({ labels: { peers: 2 ** i }, value })),
    ),
    gauge("btrt_swarm_memory_bytes", "Memory used for swarms.", { value: memory.swarmBytes }),
    gauge("btrt_swarm_memory_limit_bytes", "The maximum of the memory for swarms.", {
      value: memory.swarmBytesLimit,
    }),
  ];
}

function findWarnings({ peers, peersLimit }: Reading, rates: Rates): Warning[] {
  if (rates.within(TRAFFIC_WINDOW)(({ counters }) => counters[COUNTER.peersRefused]) > 0) {
    const text = "The tracker is full: new peers are answered, but not stored. Raise tracker.max_peers.";
    return [{ isUrgent: true, text }];
  }
  if (peers <= NEARLY_FULL * peersLimit) return [];
  return [{ isUrgent: true, text: "The tracker is nearly full. Raise tracker.max_peers." }];
}
