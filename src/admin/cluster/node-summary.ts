/**
 * What a node tells the others about itself, every two seconds: the figures that one page shows of all nodes. It is JSON,
 * so that nodes of different versions understand each other: unknown fields are ignored, missing ones are 0.
 */
import { z } from "zod";

/** Limit of a summary in bytes. The cluster drops larger messages. */
export const SUMMARY_BYTES = 4096;

/** Limit of warnings in a summary. */
export const WARNINGS_LIMIT = 5;
/** Limit of their length, in characters. */
export const WARNING_LENGTH = 300;

const figure = z.number().nonnegative().default(0);
const share = z.number().nullable().default(null);
const traffic = z.object({ downloaded: z.number().default(0), uploaded: z.number().default(0) }).prefault({});

/** A node's summary. */
export const nodeSummarySchema = z.object({
  version: z.string().max(100).default(""),
  engine: z.string().max(20).default(""),
  workers: figure,
  ready: z.boolean().default(false).describe("Whether it answers clients."),
  uptimeSeconds: figure,
  swarms: figure,
  peers: figure,
  peersLimit: figure,
  residentBytes: figure,
  requestsPerSecond: figure,
  httpPerSecond: figure,
  udpPerSecond: figure,
  returnedPerSecond: figure.describe("Peers returned per second."),
  nearShare: share,
  reportedPerSecond: traffic.describe("Bytes that its clients report."),
  avoidedPerSecond: traffic.describe("External traffic avoided. An estimate."),
  reported: traffic,
  outside: traffic,
  random: traffic,
  warnings: z.array(z.string().max(WARNING_LENGTH)).max(WARNINGS_LIMIT).default([]),
});

/** See {@link nodeSummarySchema}. */
export type NodeSummary = z.output<typeof nodeSummarySchema>;

/** Encodes a summary, at most {@link SUMMARY_BYTES}. Warnings are left out if it would be longer. */
export function encodeSummary(summary: NodeSummary): Uint8Array {
  const whole = Buffer.from(JSON.stringify(summary));
  return whole.length <= SUMMARY_BYTES ? whole : Buffer.from(JSON.stringify({ ...summary, warnings: [] }));
}

/** Decodes what another node has sent, which may be anything. @returns undefined if it is no summary. */
export function decodeSummary(bytes: Uint8Array): NodeSummary | undefined {
  if (bytes.length > SUMMARY_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  return nodeSummarySchema.safeParse(value).data;
}

/** Figures of the whole cluster. Every node has a copy of all torrents and peers, so that these are not added up. */
export function addUp(summaries: readonly NodeSummary[]): ClusterSums {
  const of = (read: (summary: NodeSummary) => number) => sum(summaries.map(read));
  const both = (read: (summary: NodeSummary) => NodeSummary["reported"]) => ({
    downloaded: of((each) => read(each).downloaded),
    uploaded: of((each) => read(each).uploaded),
  });
  return {
    requestsPerSecond: of((each) => each.requestsPerSecond),
    returnedPerSecond: of((each) => each.returnedPerSecond),
    reportedPerSecond: both((each) => each.reportedPerSecond),
    avoidedPerSecond: both((each) => each.avoidedPerSecond),
    reported: both((each) => each.reported),
    outside: both((each) => each.outside),
    random: both((each) => each.random),
  };
}

const sums = z.object({ downloaded: z.number(), uploaded: z.number() });

/** See {@link addUp}. */
export const clusterSumsSchema = z.object({
  requestsPerSecond: z.number(),
  returnedPerSecond: z.number(),
  reportedPerSecond: sums,
  avoidedPerSecond: sums,
  reported: sums,
  outside: sums,
  random: sums,
});

/** See {@link addUp}. */
export type ClusterSums = z.output<typeof clusterSumsSchema>;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
