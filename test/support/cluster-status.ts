/** Reports of the cluster thread, for tests of what is made of them. */
import { type ClusterStatus, makeRefusedCounts, type NodeStatus } from "../../src/cluster/status.ts";

/** A node that is heard. */
export function nodeStatus(changes: Partial<NodeStatus> = {}): NodeStatus {
  return {
    node: "b",
    site: "main",
    version: "0.1.0",
    boot: 1,
    state: "live",
    lastHeardMs: 200,
    lagMs: 3,
    clockOffsetMs: 20,
    sequence: 100,
    received: 99,
    applied: 90,
    lost: 0,
    fetched: 0,
    unanswered: 0,
    digestDifferences: 0,
    peers: 5,
    swarms: 2,
    ...changes,
  };
}

/** A cluster in which nothing is wrong. */
export function clusterStatus(changes: Partial<ClusterStatus> = {}): ClusterStatus {
  return {
    state: "current",
    connected: true,
    server: "127.0.0.1:4222",
    serverVersion: "2.9.10",
    reconnects: 0,
    lastError: null,
    roundTripMs: 1,
    boot: 7,
    sequence: 50,
    sent: { records: 49, batches: 4, bytes: 2000 },
    dropped: { ring: 0, disconnected: 0, slow: 0 },
    refused: makeRefusedCounts(),
    tombstones: 0,
    catchingUp: null,
    fetches: 0,
    fetchFailures: 0,
    digest: { rounds: 3, differing: 0, refetched: 0 },
    sameName: false,
    nodes: [nodeStatus()],
    ...changes,
  };
}
