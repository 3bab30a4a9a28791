/** What Prometheus is told of the tracker. Names by its conventions: base units, `_total` for what only grows. */
import { COUNTER } from "../model/counters.ts";
import { LATENCY_BUCKETS, TIMED_EVERY } from "../model/request-counts.ts";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { usedBytes } from "../tracker/heap.ts";
import { countsOf } from "../tracker/store-memory.ts";
import { counter, gauge, type Metric, type Sample } from "./exposition.ts";
import { forwardingMetrics } from "./forwarding.ts";
import { neighborMetrics } from "./neighbors.ts";
import {
  type CensusSum,
  LIMITS,
  latencies,
  REFUSAL_COUNTS,
  REQUEST_COUNTS,
  readCensus,
  readTotals,
  type Totals,
} from "./readings.ts";
import type { Sources } from "./sources.ts";
import { type ShownTier, tiersOf } from "./tiers.ts";

const ASSUMPTIONS =
  "Assumes that a client exchanges as much with every peer that the tracker gave it (its answers together, the " +
  "latest counting a quarter, or all of it when it has more outside peers), and with no others; that it reports " +
  "truly; and that a random choice would be among all peers of the swarm.";

/** Reads all metrics of the tracker. Takes no longer with more swarms. */
export function trackerMetrics(sources: Sources): Metric[] {
  const totals = readTotals(sources);
  const census = readCensus(sources.census);
  const { groups } = sources.policy();
  return [
    gauge("btrt_build_info", "This program; always 1.", {
      labels: { version: sources.version, engine: sources.engine, workers: sources.workers },
      value: 1,
    }),
    gauge("btrt_ready", "1 when clients are answered.", { value: sources.ready() ? 1 : 0 }),
    ...requestMetrics(totals),
    ...swarmMetrics(sources, census, groups),
    ...localityMetrics(totals, census, groups),
    ...trafficMetrics(totals),
    ...limitMetrics(sources, totals),
    ...forwardingMetrics(sources.forwarding(), totals.counters),
    ...databaseMetrics(sources),
    ...hashListMetrics(sources),
    ...neighborMetrics(sources, totals),
  ];
}

function requestMetrics(totals: Totals): Metric[] {
  const bounds = Array.from({ length: LATENCY_BUCKETS - 1 }, (_, i) => 2 ** i / 1e6);
  return [
    counter(
      "btrt_requests_total",
      "Requests, by what they ask for. refused: the client was told its mistake; malformed: no such thing is served; " +
        "unconnected: over UDP without a good connection id.",
      ...REQUEST_COUNTS.map(({ labels, at }) => ({ labels: { ...labels }, value: totals.counters[at] })),
    ),
    counter(
      "btrt_refusals_total",
      "Requests refused or malformed, by why.",
      ...REFUSAL_COUNTS.map(({ name, at }) => ({ labels: { reason: name }, value: totals.counters[at] })),
    ),
    {
      name: "btrt_request_duration_seconds",
      help: `Time from a request's bytes to those of its answer, of one request in ${TIMED_EVERY}.`,
      type: "histogram",
      samples: latencies(totals).map(({ protocol, kind, buckets, sumSeconds }) => ({
        labels: { protocol, kind },
        bounds,
        buckets,
        sum: sumSeconds,
      })),
    },
  ];
}

function swarmMetrics(sources: Sources, census: CensusSum, groups: PeerGroupsData): Metric[] {
  const { peers, learned, swarms } = countsOf(sources.store);
  const families = [4, 6] as const;
  const byTier = tiersOf(groups).flatMap((tier) =>
    families.flatMap((family) =>
      [true, false].map((complete) => ({
        labels: { tier: labelOf(tier), family: `ipv${family}`, complete: complete ? "yes" : "no" },
        value: tier.ids.reduce((sum, id) => sum + census.peersOf(family, complete, id), 0),
      })),
    ),
  );
  return [
    gauge("btrt_swarms", "Torrents with peers.", { value: swarms }),
    gauge("btrt_peers", "Peers in all swarms, learned ones among them.", { value: peers }),
    gauge("btrt_learned_peers", "Peers known only from other trackers, which are counted nowhere else.", {
      value: learned,
    }),
    gauge("btrt_peers_limit", "tracker.max_peers.", { value: sources.store.maxPeers }),
    gauge(
      "btrt_tier_peers",
      "Peers by tier, the nearest first, as counted in the last round over all swarms; a round takes a minute.",
      ...byTier,
    ),
    gauge(
      "btrt_swarms_by_size",
      "Swarms with more than half as many peers as the label says and up to so many, as of the last round.",
      ...Array.from(census.sizes, (value, i) => ({ labels: { peers: 2 ** i }, value })),
    ),
    gauge("btrt_swarm_memory_bytes", "Memory taken for swarms.", { value: usedBytes(sources.store.heap) }),
    gauge("btrt_swarm_memory_limit_bytes", "Memory that swarms take at most.", {
      value: sources.memoryBound,
    }),
  ];
}

function localityMetrics(totals: Totals, census: CensusSum, groups: PeerGroupsData): Metric[] {
  const { counters, given, givenToMembers } = totals;
  const bySlot = (values: Float64Array) =>
    tiersOf(groups).map((tier) => ({ labels: { tier: labelOf(tier) }, value: values[tier.slot] }));
  return [
    counter("btrt_peers_given_total", "Peers given in answers, by the peer's tier.", ...bySlot(given)),
    counter(
      "btrt_member_peers_given_total",
      "Peers given to clients in peer groups, by the peer's tier.",
      ...bySlot(givenToMembers),
    ),
    counter("btrt_member_announces_total", "Announces from clients in peer groups.", {
      value: counters[COUNTER.memberAnnounces],
    }),
    counter(
      "btrt_near_missed_announces_total",
      "Announces from clients in peer groups that were given outside peers though there were as many near as given.",
      { value: counters[COUNTER.nearMissed] },
    ),
    gauge("btrt_swarms_without_near", "Swarms of which no peer is in any group, as of the last round.", {
      value: census.withoutNear,
    }),
  ];
}

function trafficMetrics({ reported, outside, random }: Totals): Metric[] {
  const both = ({ downloaded, uploaded }: Totals["reported"]): Sample[] => [
    { labels: { direction: "down" }, value: downloaded },
    { labels: { direction: "up" }, value: uploaded },
  ];
  return [
    counter(
      "btrt_member_traffic_bytes_total",
      "Bytes that clients in peer groups say they have received and sent.",
      ...both(reported),
    ),
    counter(
      "btrt_external_traffic_bytes_total",
      `How many of these came from and went to peers in no group: an estimate. ${ASSUMPTIONS}`,
      ...both(outside),
    ),
    counter(
      "btrt_random_external_traffic_bytes_total",
      `The same with a tracker that chooses at random; the difference is what is avoided. ${ASSUMPTIONS}`,
      ...both(random),
    ),
  ];
}

function limitMetrics(sources: Sources, { counters }: Totals): Metric[] {
  const { vanishedMissed, totalsDropped } = sources.database();
  return [
    counter(
      "btrt_limits_hit_total",
      "What was refused, dropped or not counted, by the limit that it would have exceeded.",
      ...LIMITS.map(({ limit, at }) => ({ labels: { limit }, value: counters[at] })),
    ),
    counter(
      "btrt_queue_drops_total",
      "What was dropped as a queue between planes was full. vanished_swarms: torrents that are gone, which are then " +
        "looked for in the database; group_totals: totals that are lost; errands: what was asked of the control plane.",
      { labels: { queue: "vanished_swarms" }, value: vanishedMissed },
      { labels: { queue: "group_totals" }, value: totalsDropped },
      { labels: { queue: "errands" }, value: counters[COUNTER.errandsDropped] },
    ),
    counter("btrt_waits_total", "Announces that waited for an external tracker or a neighbor.", {
      value: counters[COUNTER.waits],
    }),
    counter("btrt_polls_total", "Announces of other trackers that ask for peers.", {
      value: counters[COUNTER.polls],
    }),
    counter("btrt_peers_expired_total", "Peers forgotten, as they did not announce any more.", {
      value: counters[COUNTER.peersExpired],
    }),
    counter("btrt_connections_accepted_total", "Connections from clients.", {
      value: counters[COUNTER.connectionsAccepted],
    }),
    gauge("btrt_connections", "Connections that are open.", {
      value: counters[COUNTER.connectionsAccepted] - counters[COUNTER.connectionsClosed],
    }),
    counter("btrt_worker_deaths_total", "Data-plane threads that died, and were replaced.", {
      value: sources.deaths(),
    }),
  ];
}

function databaseMetrics(sources: Sources): Metric[] {
  const { failingSince, savedAt, saveMs, rowsWritten, failures, replacements } = sources.database();
  return [
    gauge("btrt_database_usable", "1 when the database can be used.", {
      value: failingSince === null ? 1 : 0,
    }),
    gauge("btrt_database_saved_timestamp_seconds", "When all was last saved; 0: not yet.", {
      value: savedAt / 1000,
    }),
    gauge("btrt_database_save_duration_seconds", "How long that took.", { value: saveMs / 1000 }),
    counter("btrt_database_rows_written_total", "Rows of swarms written.", { value: rowsWritten }),
    counter("btrt_database_failures_total", "Attempts to use the database that failed.", { value: failures }),
    counter("btrt_database_replacements_total", "Times that its file was damaged or gone, and replaced.", {
      value: replacements,
    }),
  ];
}

function hashListMetrics({ hashList }: Sources): Metric[] {
  const state = hashList.state();
  const byDirection = (read: (of: (typeof state.handshakes)[number]) => number): Sample[] =>
    state.handshakes.map((of) => ({ labels: { direction: of.direction }, value: read(of) }));
  return [
    gauge("btrt_hashlist_torrents", "Torrents on the hash list.", { value: state.entries }),
    counter("btrt_hashlist_entered_total", "Torrents that came onto it.", { value: state.entered }),
    counter("btrt_hashlist_left_total", "Torrents that left it.", { value: state.left }),
    gauge(
      "btrt_hashlist_left_out_torrents",
      "Torrents that qualify, and are not on it, by why.",
      { labels: { reason: "max_entries" }, value: state.leftOut },
      { labels: { reason: "exclude" }, value: state.excluded },
    ),
    gauge("btrt_hashlist_look_duration_seconds", "How long it took to look at all torrents.", {
      value: state.lookMs / 1000,
    }),
    gauge("btrt_hashlist_work_seconds", "How much of that was work.", { value: state.workMs / 1000 }),
    gauge("btrt_hashlist_valid_until_timestamp_seconds", "Until when the list may be used.", {
      value: state.validUntil / 1000,
    }),
    counter("btrt_hashlist_write_failures_total", "Attempts to write it that failed.", {
      value: state.failures,
    }),
    counter(
      "btrt_handshakes_total",
      "BitTorrent handshakes across the border, as a router or DPI box counts them. out: sent from inside; in: sent " +
        "from outside; any: it does not say.",
      ...byDirection(({ seen }) => seen),
    ),
    counter(
      "btrt_handshakes_refused_total",
      "How many of these were refused, as the torrent can be had inside.",
      ...byDirection(({ refused }) => refused),
    ),
    gauge(
      "btrt_handshake_counts_written_timestamp_seconds",
      "When the file was last written that these counts are read from; 0: there have been none in it.",
      ...state.counterFiles.map(({ by, writtenAt }) => ({ labels: { by }, value: writtenAt / 1000 })),
    ),
  ];
}

/** What a tier is called. */
function labelOf({ outside, slot }: ShownTier): string {
  return outside ? "outside" : String(slot + 1);
}
