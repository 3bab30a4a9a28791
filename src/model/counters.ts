/**
 * What the data plane counts. Each worker owns one array of doubles in shared memory and is its only writer; the
 * control plane reads them all. Doubles count exactly to 2^53 and need no carry.
 */

/** Index of each counter in a worker's array. */
export const COUNTER = {
  announces: 0,
  scrapes: 1,
  clientErrors: 2,
  httpErrors: 3,
  peersGiven: 4,
  peersRefused: 5,
  peersExpired: 6,
  connectionsAccepted: 7,
  connectionsRefused: 8,
  connectionsTimedOut: 9,
  connectionsClosed: 10,
  datagramsDropped: 11,
  /** By what they ask for; those that were answered with an error, too. */
  udpConnects: 12,
  udpAnnounces: 13,
  udpScrapes: 14,
  /** Without a good connection id: answered with a small error. */
  udpUnconnected: 15,
  /** No request at all: not answered. */
  udpMalformed: 16,
  /** Announces whose bytes received and sent are not counted (tracker/traffic-table.ts). */
  trafficUncounted: 17,
} as const;

/** Length of a worker's array. */
const COUNTER_COUNT = Object.keys(COUNTER).length;

/** Allocates a worker's counters in shared memory. */
export function allocateCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(COUNTER_COUNT * 8));
}
