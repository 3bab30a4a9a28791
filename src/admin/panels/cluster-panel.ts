/** The cluster: the other nodes, what is exchanged with them, and the figures of all nodes together. */
import type { ClusterSettings } from "../../cluster/settings.ts";
import { type ClusterStatus, REFUSED_REASONS } from "../../cluster/status.ts";
import { clusterMetrics } from "../cluster/cluster-metrics.ts";
import { type ClusterReading, clusterSchema } from "../cluster/cluster-schema.ts";
import { clusterWarnings } from "../cluster/cluster-warnings.ts";
import type { NodeSummaries } from "../cluster/node-summaries.ts";
import { addUp } from "../cluster/node-summary.ts";
import type { Panel } from "../panel.ts";

/** What the panel shows. */
export interface ClusterView {
  readonly settings: Pick<ClusterSettings, "name" | "node" | "site">;
  /** Undefined before the first report of the cluster thread. */
  readonly status: ClusterStatus | undefined;
  readonly summaries: NodeSummaries;
}

/** Shows the cluster. @param current undefined without a cluster. */
export function clusterPanel(current: () => ClusterView | undefined): Panel<typeof clusterSchema> {
  return {
    schema: clusterSchema,
    read: () => {
      const view = current();
      return { cluster: view === undefined ? null : readCluster(view) };
    },
    metrics: ({ cluster }) => (cluster === null ? [] : clusterMetrics(cluster)),
    warnings: ({ cluster }) => (cluster === null ? [] : clusterWarnings(cluster)),
  };
}

function readCluster({ settings, status, summaries }: ClusterView): ClusterReading {
  const nodes = [
    selfOf(settings, summaries),
    ...(status?.nodes ?? []).map((each) => otherOf(each, summaries)),
  ];
  const heard = nodes.filter(({ state }) => state !== "silent").flatMap(({ summary }) => summary ?? []);
  const { name, node, site } = settings;
  return {
    name,
    node,
    site,
    state: status?.state ?? "connecting",
    connected: status?.connected ?? false,
    server: status?.server ?? null,
    serverVersion: status?.serverVersion ?? null,
    roundTripSeconds: inSeconds(status?.roundTripMs ?? null),
    reconnects: status?.reconnects ?? 0,
    lastError: status?.lastError ?? null,
    sameName: status?.sameName ?? false,
    sent: status?.sent ?? { records: 0, batches: 0, bytes: 0 },
    dropped: status?.dropped ?? { ring: 0, disconnected: 0, slow: 0 },
    refused: REFUSED_REASONS.map((reason) => ({ reason, count: status?.refused[reason] ?? 0 })),
    refusedSummaries: summaries.refused,
    catchingUp: catchingUpOf(status),
    fetches: status?.fetches ?? 0,
    fetchFailures: status?.fetchFailures ?? 0,
    tombstones: status?.tombstones ?? 0,
    digest: status?.digest ?? { rounds: 0, differing: 0, refetched: 0 },
    nodes,
    sums: addUp(heard),
  };
}

function selfOf(
  { node, site }: ClusterView["settings"],
  { own }: NodeSummaries,
): ClusterReading["nodes"][number] {
  return {
    node,
    site,
    version: own?.version ?? "",
    isSelf: true,
    state: "live",
    lastHeardSeconds: 0,
    lagSeconds: 0,
    clockOffsetSeconds: 0,
    received: 0,
    applied: 0,
    lost: 0,
    fetched: 0,
    unanswered: 0,
    digestDifferences: 0,
    summary: own ?? null,
  };
}

function otherOf(
  { lastHeardMs, lagMs, clockOffsetMs, ...other }: ClusterStatus["nodes"][number],
  summaries: NodeSummaries,
): ClusterReading["nodes"][number] {
  const { node, site, version, state, received, applied, lost, fetched, unanswered, digestDifferences } =
    other;
  return {
    node,
    site,
    version,
    isSelf: false,
    state,
    lastHeardSeconds: lastHeardMs / 1000,
    lagSeconds: lagMs / 1000,
    clockOffsetSeconds: clockOffsetMs / 1000,
    received,
    applied,
    lost,
    fetched,
    unanswered,
    digestDifferences,
    summary: summaries.of(node) ?? null,
  };
}

function catchingUpOf(status: ClusterStatus | undefined): ClusterReading["catchingUp"] {
  const fetching = status?.catchingUp ?? null;
  return fetching === null
    ? null
    : { from: fetching.from, records: fetching.records, seconds: fetching.sinceMs / 1000 };
}

function inSeconds(milliseconds: number | null): number | null {
  return milliseconds === null ? null : milliseconds / 1000;
}
