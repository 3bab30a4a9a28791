/** The metrics of the cluster, as this node sees it. */
import { counter, gauge, type Metric, type Sample } from "../exposition.ts";
import type { ClusterReading } from "./cluster-schema.ts";

type Other = ClusterReading["nodes"][number];

/** Makes the metrics. */
export function clusterMetrics(cluster: ClusterReading): Metric[] {
  return [...ownMetrics(cluster), ...nodeMetrics(cluster.nodes.filter(({ isSelf }) => !isSelf))];
}

function ownMetrics(cluster: ClusterReading): Metric[] {
  const { connected, state, reconnects, roundTripSeconds, sent, dropped, refused, sameName, digest } =
    cluster;
  return [
    gauge("btrt_cluster_connected", "1 while the tracker is connected to a nats-server.", {
      value: connected ? 1 : 0,
    }),
    gauge("btrt_cluster_current", "1 while the tracker has what the other nodes have, as far as it knows.", {
      value: state === "current" ? 1 : 0,
    }),
    counter("btrt_cluster_reconnects_total", "Connections to a nats-server after the first.", {
      value: reconnects,
    }),
    gauge("btrt_cluster_round_trip_seconds", "The time to the nats-server and back.", {
      value: roundTripSeconds ?? Number.NaN,
    }),
    gauge("btrt_cluster_same_name", "1 while another tracker uses the name of this node.", {
      value: sameName ? 1 : 0,
    }),
    counter("btrt_cluster_sent_records_total", "Records sent to the other nodes.", { value: sent.records }),
    counter("btrt_cluster_sent_batches_total", "Messages with these records.", { value: sent.batches }),
    counter("btrt_cluster_sent_bytes_total", "Bytes of these messages.", { value: sent.bytes }),
    counter(
      "btrt_cluster_dropped_records_total",
      "Own records that were not sent; the other nodes fetch them. ring: the ring of a worker was full. disconnected: " +
        "there was no connection. slow: the nats-server did not read.",
      ...Object.entries(dropped).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    counter(
      "btrt_cluster_refused_total",
      "Messages and records of other nodes that were refused, by reason. summary: what a node said of itself.",
      ...refused.map(({ reason, count }) => ({ labels: { reason }, value: count })),
      { labels: { reason: "summary" }, value: cluster.refusedSummaries },
    ),
    counter(
      "btrt_cluster_fetches_total",
      "Times that records were fetched from another node.",
      { labels: { outcome: "done" }, value: cluster.fetches },
      { labels: { outcome: "failed" }, value: cluster.fetchFailures },
    ),
    gauge("btrt_cluster_tombstones", "Peers that have stopped lately, and are remembered.", {
      value: cluster.tombstones,
    }),
    counter("btrt_cluster_digest_rounds_total", "Comparisons with other nodes.", { value: digest.rounds }),
    counter("btrt_cluster_digest_refetched_total", "Parts that were fetched again since they differed.", {
      value: digest.refetched,
    }),
  ];
}

function nodeMetrics(others: readonly Other[]): Metric[] {
  const each = (read: (other: Other) => number): Sample[] =>
    others.map((other) => ({ labels: { node: other.node, site: other.site }, value: read(other) }));
  return [
    gauge(
      "btrt_cluster_node_up",
      "1 while another node is heard.",
      ...each(({ state }) => (state === "silent" ? 0 : 1)),
    ),
    gauge(
      "btrt_cluster_node_lag_seconds",
      "How late records of a node arrive, beyond the shortest time seen.",
      ...each(({ lagSeconds }) => lagSeconds),
    ),
    gauge(
      "btrt_cluster_node_clock_offset_seconds",
      "The clock of a node minus that of this one.",
      ...each(({ clockOffsetSeconds }) => clockOffsetSeconds),
    ),
    counter(
      "btrt_cluster_received_records_total",
      "Records received from a node.",
      ...each(({ received }) => received),
    ),
    counter(
      "btrt_cluster_applied_records_total",
      "Those of them that changed this node's torrents.",
      ...each(({ applied }) => applied),
    ),
    counter(
      "btrt_cluster_lost_records_total",
      "Records of a node that were missed. They are fetched.",
      ...each(({ lost }) => lost),
    ),
    counter(
      "btrt_cluster_fetched_records_total",
      "Records that were fetched from a node.",
      ...each(({ fetched }) => fetched),
    ),
    gauge(
      "btrt_cluster_node_unanswered",
      "Questions in a row that a node has not answered, though it is heard.",
      ...each(({ unanswered }) => unanswered),
    ),
    gauge(
      "btrt_cluster_digest_differences",
      "Parts of 4,096 that differed from a node's when they were last compared.",
      ...each(({ digestDifferences }) => digestDifferences),
    ),
  ];
}
