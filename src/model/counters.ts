/**
 * What the data plane counts. Each worker owns one array of doubles in shared memory and is its only writer; the
 * control plane reads them all. Doubles count exactly to 2^53 and need no carry.
 */
import {
  REQUEST_COUNTS_LENGTH,
  REQUEST_FAMILIES,
  REQUEST_KINDS,
  type RequestOutcome,
  requestCountAt,
} from "./request-counts.ts";

/** Index of each counter in a worker's array. */
export const COUNTER = {
  announces: 0,
  scrapes: 1,
  peersGiven: 2,
  peersRefused: 3,
  peersExpired: 4,
  connectionsAccepted: 5,
  connectionsRefused: 6,
  connectionsTimedOut: 7,
  connectionsClosed: 8,
  datagramsDropped: 9,
  /** Announces whose bytes received and sent are not counted (tracker/traffic-table.ts). */
  trafficUncounted: 10,
  /** Announces from a peer group, and those among them that were given outside peers though there were enough at home. */
  memberAnnounces: 11,
  nearMissed: 12,
  /** Announces that waited for their answer, and those that would have but for `listen.max_waiting`. */
  waits: 13,
  waitsRefused: 14,
  /** What the control plane was to do and had no room left for (tracker/errand-queue.ts). */
  errandsDropped: 15,
} as const;

/** Where the counts of request-counts.ts begin. */
export const REQUESTS_AT = Object.keys(COUNTER).length;

/** Allocates a worker's counters in shared memory. */
export function allocateCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer((REQUESTS_AT + REQUEST_COUNTS_LENGTH) * 8));
}

/** Requests of all kinds that came to an outcome. */
export function countOutcome(counters: Float64Array, outcome: RequestOutcome): number {
  let requests = 0;
  for (let kind = 0; kind < REQUEST_KINDS.length; kind++) {
    for (let family = 0; family < REQUEST_FAMILIES.length; family++)
      requests += counters[REQUESTS_AT + requestCountAt(kind, family, outcome)];
  }
  return requests;
}
