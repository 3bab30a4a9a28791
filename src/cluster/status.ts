/** What the cluster thread reports of itself: plain data for the control plane. */

/** Why a message or a record of another node was refused. */
export const REFUSED_REASONS = [
  /** No valid header. */
  "garbage",
  /** Of a major version that this node does not know. */
  "version",
  /** Of another cluster, or of a node with another secret. */
  "foreign",
  /** Under the name of this node, but not from it. */
  "ownName",
  /** There are more nodes than a cluster may have. */
  "tooManyNodes",
  /** Larger than any valid message of its kind. */
  "oversized",
  /** What a neighbor has answered, beyond some hundreds in a second. */
  "tooMany",
  /** The message ends within a record, or has fewer records than its header says. */
  "broken",
  /** A record of an unknown kind. */
  "unknownKind",
  /** A record with a private address of another site. */
  "private",
  /** A record with an address or a port that no peer can have. */
  "unusable",
  /** A record older than `tracker.peer_expiry`. */
  "tooOld",
  /** A record of a peer for which the tracker, or the limit of its address, has no room. */
  "full",
  "household",
] as const;
/** One of {@link REFUSED_REASONS}. */
type RefusedReason = (typeof REFUSED_REASONS)[number];

/** After so many questions in a row without an answer, nothing waits for a node's answers. */
export const UNANSWERED_MAX = 3;

/** Another node. Times are in milliseconds. */
export interface NodeStatus {
  readonly node: string;
  readonly site: string;
  readonly version: string;
  /** The number of its start: it differs after each. */
  readonly boot: number;
  /** `silent`: no heartbeat for some seconds. */
  readonly state: "live" | "catching-up" | "silent";
  readonly lastHeardMs: number;
  /** The delay of its last batch over the least of the last minutes. It does not depend on the clocks. */
  readonly lagMs: number;
  /** Its clock minus ours, including the time of the way. */
  readonly clockOffsetMs: number;
  /** The number of the next record that is expected from it. */
  readonly sequence: number;
  /** Records received, and those of them that changed the store. */
  readonly received: number;
  readonly applied: number;
  /** Records that were missed, by jumps of the sequence. */
  readonly lost: number;
  /** Records received by catching up. */
  readonly fetched: number;
  /** Questions in a row that it has not answered in time, though it is heard. */
  readonly unanswered: number;
  /** Ranges that differ in the last digest. */
  readonly digestDifferences: number;
  readonly peers: number;
  readonly swarms: number;
}

/** The cluster as this node sees it. */
export interface ClusterStatus {
  readonly state: "connecting" | "catching-up" | "current";
  readonly connected: boolean;
  readonly server: string | null;
  readonly serverVersion: string | null;
  readonly reconnects: number;
  readonly lastError: string | null;
  readonly roundTripMs: number | null;
  readonly boot: number;
  /** The number of the next record that is sent. */
  readonly sequence: number;
  readonly sent: { readonly records: number; readonly batches: number; readonly bytes: number };
  /** Own records that were not sent: a worker's ring was full; there was no connection; the server was too slow. */
  readonly dropped: { readonly ring: number; readonly disconnected: number; readonly slow: number };
  readonly refused: Readonly<Record<RefusedReason, number>>;
  readonly tombstones: number;
  /** What is being fetched now. */
  readonly catchingUp: {
    readonly from: string;
    readonly records: number;
    readonly sinceMs: number;
  } | null;
  readonly fetches: number;
  readonly fetchFailures: number;
  /** Comparisons, ranges that differ in the last one, and ranges that were fetched again. */
  readonly digest: { readonly rounds: number; readonly differing: number; readonly refetched: number };
  /** Another node uses the name of this one. */
  readonly sameName: boolean;
  readonly nodes: readonly NodeStatus[];
}

/** Counts of refused messages and records. */
export type RefusedCounts = Record<RefusedReason, number>;

/** Makes counts that are all 0. */
export function makeRefusedCounts(): RefusedCounts {
  return {
    garbage: 0,
    version: 0,
    foreign: 0,
    ownName: 0,
    tooManyNodes: 0,
    oversized: 0,
    tooMany: 0,
    broken: 0,
    unknownKind: 0,
    private: 0,
    unusable: 0,
    tooOld: 0,
    full: 0,
    household: 0,
  };
}
