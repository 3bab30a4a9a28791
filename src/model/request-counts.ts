/**
 * Counts of requests by kind, the client's address family and outcome, and histograms of the time to answer them.
 * They follow the counters of counters.ts in the array of each worker:
 *
 *     a count for each kind, family and outcome; then a histogram for each kind: buckets, sum in seconds
 */

/** Request kinds by protocol. `other`: not a known request. */
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
 * Outcomes. `refused`: the client received an error. `malformed`: not valid HTTP or BEP 15. `unconnected`: a UDP
 * request without a valid connection id.
 */
export const REQUEST_OUTCOMES = ["answered", "refused", "malformed", "unconnected"] as const;

/** Index in {@link REQUEST_OUTCOMES}. */
export const OUTCOME = { answered: 0, refused: 1, malformed: 2, unconnected: 3 } as const;
export type RequestOutcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** A histogram's buckets: bucket `b` counts requests of up to 2^b microseconds, the last one all slower ones. */
export const LATENCY_BUCKETS = 16;

/** One of this many requests is timed, including the first. A power of two. */
export const TIMED_EVERY = 16;

const COUNTS = REQUEST_KINDS.length * REQUEST_FAMILIES.length * REQUEST_OUTCOMES.length;
const HISTOGRAM = LATENCY_BUCKETS + 1;

/** Number of doubles for all request counts. */
export const REQUEST_COUNTS_LENGTH = COUNTS + REQUEST_KINDS.length * HISTOGRAM;

/** Index of a combination, from the start of the request counts. @param family index in {@link REQUEST_FAMILIES}. */
export function requestCountAt(kind: number, family: number, outcome: number): number {
  return (kind * REQUEST_FAMILIES.length + family) * REQUEST_OUTCOMES.length + outcome;
}

/** Index of a kind's histogram, from the start of the request counts. */
export function latencyAt(kind: number): number {
  return COUNTS + kind * HISTOGRAM;
}
