/**
 * Requests, counted by what they asked for, the client's family, and what became of them; and how long answering took.
 * They lie behind the counters of counters.ts, in the same array of each worker:
 *
 *     a number for every kind, family and outcome; then for every kind a histogram: buckets, sum in seconds
 */

/** What is asked for, over which protocol. `other`: nothing that is served. */
export const REQUEST_KINDS = [
  { protocol: "http", kind: "announce" },
  { protocol: "http", kind: "scrape" },
  { protocol: "http", kind: "other" },
  { protocol: "udp", kind: "connect" },
  { protocol: "udp", kind: "announce" },
  { protocol: "udp", kind: "scrape" },
  { protocol: "udp", kind: "other" },
] as const;

/** Index in {@link REQUEST_KINDS}. */
export const REQUEST = {
  httpAnnounce: 0,
  httpScrape: 1,
  httpOther: 2,
  udpConnect: 3,
  udpAnnounce: 4,
  udpScrape: 5,
  udpOther: 6,
} as const;
export type RequestKind = (typeof REQUEST)[keyof typeof REQUEST];

/** The client's family. */
export const REQUEST_FAMILIES = ["ipv4", "ipv6"] as const;

/**
 * What became of it. `refused`: the client was told its mistake. `malformed`: not understood as HTTP or BEP 15.
 * `unconnected`: over UDP, without a good connection id.
 */
export const REQUEST_OUTCOMES = ["answered", "refused", "malformed", "unconnected"] as const;

/** Index in {@link REQUEST_OUTCOMES}. */
export const OUTCOME = { answered: 0, refused: 1, malformed: 2, unconnected: 3 } as const;
export type RequestOutcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** A histogram's buckets: bucket `b` holds what took up to 2^b microseconds, the last one everything longer. */
export const LATENCY_BUCKETS = 16;

/** One in so many requests is timed, the first among them. A power of two. */
export const TIMED_EVERY = 16;

const COUNTS = REQUEST_KINDS.length * REQUEST_FAMILIES.length * REQUEST_OUTCOMES.length;
const HISTOGRAM = LATENCY_BUCKETS + 1;

/** Doubles that all of this takes. */
export const REQUEST_COUNTS_LENGTH = COUNTS + REQUEST_KINDS.length * HISTOGRAM;

/** Where a combination is counted, from the start of the request counts. @param family index in {@link REQUEST_FAMILIES}. */
export function requestCountAt(kind: number, family: number, outcome: number): number {
  return (kind * REQUEST_FAMILIES.length + family) * REQUEST_OUTCOMES.length + outcome;
}

/** Where a kind's histogram begins, from the start of the request counts. */
export function latencyAt(kind: number): number {
  return COUNTS + kind * HISTOGRAM;
}
