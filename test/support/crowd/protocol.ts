/** What a test and its crowd (program.ts) tell each other. Plain data: it is sent between processes. Times are in milliseconds since 1970. */

/** A crowd of clients, and the trackers to which they announce. */
export interface CrowdPlan {
  /** Announce URLs of the trackers, over HTTP, and the site of each. */
  readonly trackers: readonly { readonly url: string; readonly site: number }[];
  readonly swarms: number;
  readonly peersInSwarm: number;
  /** The share of announces that are stops; another peer appears in the place of each. */
  readonly churn: number;
  /** The share of peers with a private address of their site. */
  readonly privateShare?: number;
  readonly seed?: number;
}

/** What a test asks of its crowd. Each has one answer, a value of {@link CrowdAnswers} with the same name. */
export type CrowdRequest =
  /** All peers announce once, as fast as possible. */
  | { readonly kind: "fill" }
  /** Announces a second from now on, in all; 0: none, and those under way are waited for. */
  | { readonly kind: "rate"; readonly perSecond: number }
  /** A tracker was killed: what it has answered in the last moments may be lost with it. */
  | { readonly kind: "killed"; readonly tracker: number; readonly at: number }
  /** The sites are apart from this time on; null: they are not. */
  | { readonly kind: "apart"; readonly since: number | null }
  /** What has happened since the last report. */
  | { readonly kind: "report" }
  /** Asks all trackers for all peers, once, and compares. No announces may be under way. */
  | { readonly kind: "compare" };

/** Answers to requests, by their kind. */
export interface CrowdAnswers {
  readonly fill: null;
  readonly rate: null;
  readonly killed: null;
  readonly apart: null;
  readonly report: readonly TrackerReport[];
  readonly compare: Comparison;
}

/** What a tracker has answered. */
export interface TrackerReport {
  readonly answered: number;
  /** Announces that were sent to another tracker, as this one did not answer. */
  readonly failed: number;
  /** Answers that were checked: those of leechers. */
  readonly checked: number;
  /** Answers in which a peer was missing that had announced a second before. */
  readonly incomplete: number;
  /** Those of them in which other peers were missing than those that a killed tracker had answered in its last moments. */
  readonly unexplained: number;
  /** When the last incomplete answer came; 0: never. */
  readonly lastIncompleteAt: number;
  /** Answers with a private address of another site. */
  readonly leaks: number;
  /** Milliseconds from sending to the answer. */
  readonly latencyMs: readonly number[];
}

/** All peers of all trackers, compared with each other and with what the crowd knows. */
export interface Comparison {
  /** Swarms of which not all trackers of all sites have the same peers, but for private ones. */
  readonly differing: number;
  /**
   * Peers that each tracker lacks, and peers that it has though they have stopped. Those that a killed tracker may have
   * lost are left out.
   */
  readonly missing: readonly number[];
  readonly stale: readonly number[];
  /** Peers that each tracker has. */
  readonly peers: readonly number[];
}

/** A message to the crowd, and one from it. */
export type CrowdMessage = CrowdRequest & { readonly id: number };
/** The answer to a message, or why there is none. */
export type CrowdReply =
  | { readonly id: number; readonly answer: CrowdAnswers[keyof CrowdAnswers] }
  | { readonly id: number; readonly error: string };
