/** Makes the summary of this node. */
import type { Status } from "../status.ts";
import { type NodeSummary, WARNING_LENGTH, WARNINGS_LIMIT } from "./node-summary.ts";

/** Makes the summary of this node from its status. */
export function summarize(status: Status): NodeSummary {
  const { requests, tiers, locality, memory, warnings } = status;
  const perSecond = (protocol: "http" | "udp") =>
    sum(requests.filter((each) => each.protocol === protocol).map((each) => each.perSecond));
  return {
    version: status.version,
    engine: status.engine,
    workers: status.workers,
    ready: status.ready,
    uptimeSeconds: Math.floor(status.uptimeSeconds),
    swarms: status.swarms,
    peers: status.peers,
    peersLimit: status.peersLimit,
    residentBytes: memory.residentBytes,
    requestsPerSecond: status.requestsPerSecond,
    httpPerSecond: perSecond("http"),
    udpPerSecond: perSecond("udp"),
    returnedPerSecond: sum(tiers.map((tier) => tier.returnedPerSecond)),
    nearShare: locality.nearShare,
    reportedPerSecond: locality.reportedPerSecond,
    avoidedPerSecond: locality.avoidedPerSecond,
    reported: locality.reported,
    outside: locality.outside,
    random: locality.random,
    warnings: warnings.slice(0, WARNINGS_LIMIT).map((text) => text.slice(0, WARNING_LENGTH)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
