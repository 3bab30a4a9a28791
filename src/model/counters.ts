/**
 * What the data plane counts. Each worker owns one array of doubles in shared memory and is its only writer; the
 * control plane reads them all. Doubles count exactly to 2^53 and need no carry.
 */
import { REFUSAL_REASONS } from "./refusals.ts";
import { REQUEST_COUNTS_LENGTH } from "./request-counts.ts";

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
  /** Announces whose bytes received and sent are not counted (store/traffic-table.ts). */
  trafficUncounted: 10,
  /** Announces from a peer group, and those among them that were given outside peers though there were enough at home. */
  memberAnnounces: 11,
  nearMissed: 12,
  /** Announces that waited for their answer, and those that would have but for `listen.max_waiting`. */
  waits: 13,
  waitsRefused: 14,
  /** What the control plane was to do and had no room left for (tasks/task-queue.ts). */
  tasksDropped: 15,
  /** Announces of other trackers that ask for peers (tracker/polls.ts). */
  polls: 16,
  /** Times the worker's clock has ticked: it is alive. */
  ticks: 17,
  /** Announces that were meant for external trackers, and those among them for which none had to be asked. */
  forwarded: 18,
  forwardedUnasked: 19,
  /** Peers given in their answers, and those among them that are in peer groups: an external one would be in their place. */
  forwardedGiven: 20,
  forwardedNear: 21,
  /** Connections refused as their address had its share, and those closed to make room for others. */
  connectionsOverShare: 22,
  connectionsDisplaced: 23,
  /** Attempts to accept that failed, or would have: mostly as the process has no descriptors left. */
  acceptFailures: 24,
  /** Peers not stored, as their address has as many as it may have; and peers that made room for others. */
  addressPeersRefused: 25,
  peersDisplaced: 26,
} as const;

/** Where the counts of request-counts.ts begin. */
export const REQUESTS_AT = Object.keys(COUNTER).length;

/** Where requests refused are counted, by reason (refusals.ts). */
export const REFUSALS_AT = REQUESTS_AT + REQUEST_COUNTS_LENGTH;

/** Numbers of neighbors, as of trackers that peers are learned from (store/peer-record.ts), are below this. */
export const LEARNED_SOURCES = 128;

/** Where peers of all external trackers, whose numbers are from {@link LEARNED_SOURCES} on, are counted together. */
export const EXTERNAL_SOURCE = 0;

/** The place of a source among the counts of {@link LEARNED_GIVEN_AT}. */
export function countedAs(source: number): number {
  return source < LEARNED_SOURCES ? source : EXTERNAL_SOURCE;
}

/** Where the peers given are counted that were learned, by who named them. */
export const LEARNED_GIVEN_AT = REFUSALS_AT + REFUSAL_REASONS.length;

/** Allocates a worker's counters in shared memory. */
export function allocateCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer((LEARNED_GIVEN_AT + LEARNED_SOURCES) * 8));
}
