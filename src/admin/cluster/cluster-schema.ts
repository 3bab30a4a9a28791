/** The cluster in the status: its nodes, what is exchanged with them, and the figures of all together. */
import { z } from "zod";
import { REFUSED_REASONS } from "../../cluster/status.ts";
import { clusterSumsSchema, nodeSummarySchema } from "./node-summary.ts";

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
  unanswered: count.describe("Questions in a row that it has not answered, though it is heard."),
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
