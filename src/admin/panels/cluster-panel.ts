/** The cluster: the other nodes, what is exchanged with them, and the figures of all nodes together. */
import { z } from "zod";
import type { ClusterSettings } from "../../cluster/settings.ts";
import { type ClusterStatus, REFUSED_REASONS } from "../../cluster/status.ts";
import { clusterMetrics } from "../cluster/cluster-metrics.ts";
import { clusterWarnings } from "../cluster/cluster-warnings.ts";
import type { NodeSummaries } from "../cluster/node-summaries.ts";
import { addUp, clusterSumsSchema, nodeSummarySchema } from "../cluster/node-summary.ts";
import type { Panel } from "../panel.ts";

const count = z.int().nonnegative();

const node = z.object({
  node: z.string(),
  site: z.string(),
  version: z.string(),
  isSelf: z.boolean().describe("The node that answers."),
  state: z
    .enum(["live", "catching-up", "silent"])
    .describe(
      "catching-up: it fetches what it has missed. silent: nothing was heard of it for some seconds.",
    ),
  lastHeardSeconds: z.number(),
  lagSeconds: z.number().describe("How late its records arrive, beyond the shortest time seen."),
  clockOffsetSeconds: z
    .number()
    .describe("Its clock minus this node's, with the time of the way. Peers do not depend on it."),
  received: count.describe("Records received from it."),
  applied: count.describe("Those of them that changed this node's torrents."),
  lost: count.describe("Its records that were missed. They are fetched from it."),
  fetched: count.describe("Records that were fetched."),
  digestDifferences: count.describe("Parts of 4,096 that differed when both were last compared."),
  summary: nodeSummarySchema.nullable().describe("What it last said of itself; null: nothing yet."),
});

/** The panel's fields. */
export const clusterSchema = z.object({
  cluster: z
    .object({
      name: z.string(),
      node: z.string().describe("The name of this node."),
      site: z.string(),
      state: z
        .enum(["connecting", "catching-up", "current"])
        .describe("current: this node has what the others have."),
      connected: z.boolean(),
      server: z.string().nullable().describe("The nats-server to which it is connected."),
      serverVersion: z.string().nullable(),
      roundTripSeconds: z.number().nullable(),
      reconnects: count,
      lastError: z.string().nullable(),
      sameName: z.boolean().describe("Another node uses the name of this one."),
      sent: z.object({ records: count, batches: count, bytes: count }),
      dropped: z
        .object({ ring: count, disconnected: count, slow: count })
        .describe("Own records that were not sent. The others fetch them."),
      refused: z
        .array(z.object({ reason: z.enum(REFUSED_REASONS), count }))
        .describe("Why messages and records of others were refused."),
      refusedSummaries: count,
      catchingUp: z.object({ from: z.string(), records: count, seconds: z.number() }).nullable(),
      fetches: count,
      fetchFailures: count,
      tombstones: count.describe("Peers that have stopped lately. Older records of them are ignored."),
      digest: z.object({ rounds: count, differing: count, refetched: count }),
      nodes: z.array(node).describe("This node first."),
      sums: clusterSumsSchema.describe("Of all nodes that are not silent."),
    })
    .nullable()
    .describe("Null: the tracker is alone."),
});

/** The cluster's part of the status. */
export type ClusterReading = NonNullable<z.output<typeof clusterSchema>["cluster"]>;

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
    digestDifferences: 0,
    summary: own ?? null,
  };
}

function otherOf(
  { lastHeardMs, lagMs, clockOffsetMs, ...other }: ClusterStatus["nodes"][number],
  summaries: NodeSummaries,
): ClusterReading["nodes"][number] {
  const { node, site, version, state, received, applied, lost, fetched, digestDifferences } = other;
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
