/**
 * Counters of the data plane. Each worker has an array of doubles in shared memory and is its only writer; the control
 * plane reads all of them. Doubles count exactly up to 2^53.
 */
import { REFUSAL_REASONS } from "./refusals.ts";
import { REQUEST_COUNTS_LENGTH } from "./request-counts.ts";

/** Index of each counter in a worker's array. */
export const COUNTER = {
  announces: 0,
  scrapes: 1,
  peersReturned: 2,
  peersRefused: 3,
  peersExpired: 4,
  connectionsAccepted: 5,
  connectionsRefused: 6,
  connectionsTimedOut: 7,
  connectionsClosed: 8,
  datagramsDropped: 9,
  /** Announces whose traffic is not counted (store/traffic-table.ts). */
  trafficUncounted: 10,
  /** Announces from a peer group, and those of them with outside peers returned although enough home peers existed. */
  memberAnnounces: 11,
  nearMissed: 12,
  /** Deferred announces, and those not deferred because of `listen.max_waiting`. */
  waits: 13,
  waitsRefused: 14,
  /** Tasks dropped because the queue was full (tasks/task-queue.ts). */
  tasksDropped: 15,
  /** Announces of other trackers that request peers (tracker/polls.ts). */
  polls: 16,
  /** Ticks of the worker's clock, which show that it is alive. */
  ticks: 17,
  /** Announces for upstream trackers, and those of them answered without a request upstream. */
  forwarded: 18,
  forwardedUnasked: 19,
  /** Peers returned to them, and those of them in peer groups, which replace external peers. */
  forwardedReturned: 20,
  forwardedNear: 21,
  /** Connections refused at the limit per address, and connections displaced. */
  connectionsOverShare: 22,
  connectionsDisplaced: 23,
  /** Accepts that failed, or would have failed, mostly for lack of descriptors. */
  acceptFailures: 24,
  /** Peers not stored because of the limit per address, and peers displaced by others. */
  addressPeersRefused: 25,
  peersDisplaced: 26,
  /** Tasks of the gate dropped because the queue was half full. */
  gateTasksDropped: 27,
} as const;

/** Index of the first count of request-counts.ts. */
export const REQUESTS_AT = Object.keys(COUNTER).length;

/** Index of the first count of refused requests, by reason (refusals.ts). */
export const REFUSALS_AT = REQUESTS_AT + REQUEST_COUNTS_LENGTH;

/** Upper bound of neighbor numbers, as sources of learned peers (store/layout/peer.ts). */
export const LEARNED_SOURCES = 128;

/** The index for all upstream trackers together, whose numbers start at {@link LEARNED_SOURCES}. */
export const EXTERNAL_SOURCE = 0;

/** The index of a source among the counts at {@link LEARNED_RETURNED_AT}. */
export function countedAs(source: number): number {
  return source < LEARNED_SOURCES ? source : EXTERNAL_SOURCE;
}

/** Index of the first count of learned peers returned, by source. */
export const LEARNED_RETURNED_AT = REFUSALS_AT + REFUSAL_REASONS.length;

/** Allocates a worker's counters in shared memory. */
export function allocateCounters(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer((LEARNED_RETURNED_AT + LEARNED_SOURCES) * 8));
}
