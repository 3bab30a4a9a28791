/**
 * What the clients of each peer group do, counted by each thread in an array of its own, as model/counters.ts does: for
 * the totals that storage keeps. A row for every group id:
 *
 *     announces, bytes received, bytes sent, peers returned: 8 numbers, by the peer's tier
 *     bytes received and sent from and to outside, as estimated; the same had the peers been chosen at random
 *     handshakes seen and refused: in the row of no group alone, and by the control plane, which has an array, too
 */
import { GROUP_IDS } from "../network/peer-groups.ts";

/** Offsets in a group's row; the bytes are in the order of `AnnounceRequest.transferred`. */
export const ACTIVITY = {
  announces: 0,
  downloaded: 1,
  uploaded: 2,
  returned: 3,
  outside: 11,
  random: 13,
  handshakes: 15,
} as const;

/** Tiers told apart: the last is that of addresses in no group, the one before it also all between. */
export const ACTIVITY_TIERS = 8;

/** Doubles of a row. */
export const ACTIVITY_WIDTH = ACTIVITY.handshakes + 2;

/** Allocates a thread's counts in shared memory. */
export function allocateActivity(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(GROUP_IDS * ACTIVITY_WIDTH * 8));
}

/** Where in a row the peers of a tier are counted. @param tierCount tiers, that of no group among them. */
export function returnedAt(tier: number, tierCount: number): number {
  return ACTIVITY.returned + tierSlot(tier, tierCount);
}

/** Which of {@link ACTIVITY_TIERS} a tier is told apart as. */
export function tierSlot(tier: number, tierCount: number): number {
  return tier === tierCount - 1 ? ACTIVITY_TIERS - 1 : Math.min(tier, ACTIVITY_TIERS - 2);
}
