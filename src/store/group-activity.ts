/**
 * The activity of each peer group's clients, for the totals that storage keeps. Each thread counts in an array of its
 * own, as in model/counters.ts. A row for every group id:
 *
 *     announces, bytes received, bytes sent
 *     peers returned, by the peer's tier: 8 numbers
 *     estimated bytes received from outside, and sent to outside
 *     the same, estimated for a tracker that chooses peers at random
 *
 * Only in the row of no group, counted by the control plane:
 *
 *     handshakes seen, handshakes refused: by the rules of the hash list
 *     what the gate does: GATE_ACTIVITY
 */
import { GROUP_IDS } from "../network/peer-groups.ts";

/** Offsets in a group's row. Bytes are in the order of `AnnounceRequest.transferred`. */
export const ACTIVITY = {
  announces: 0,
  downloaded: 1,
  uploaded: 2,
  returned: 3,
  outside: 11,
  random: 13,
  handshakes: 15,
  gate: 17,
} as const;

/**
 * Connections by reason and direction, as routers report them (gate/report.ts): those that were seen, and those of them
 * that were refused.
 */
export const GATE_CONNECTION_COUNTS = [
  "seenHandshakeOut",
  "refusedHandshakeOut",
  "seenHandshakeIn",
  "refusedHandshakeIn",
  "seenEndpointOut",
  "refusedEndpointOut",
  "seenEndpointIn",
  "refusedEndpointIn",
  "seenFarOut",
  "refusedFarOut",
] as const;

/**
 * What is counted of the gate, in this order.
 *
 * - `seconds`: the time for which it was on. `torrentSeconds`, `endpointSeconds`: the sum of the gated torrents, and of the
 *   closed endpoints, of every second. So averages can be computed of any span of time.
 * - `seen…`, `refused…`: {@link GATE_CONNECTION_COUNTS}.
 * - `onlyCounted`: connections that would have been refused, by routers with `--count-only`.
 * - `exempted`: times that a router has exempted a subscriber.
 */
export const GATE_ACTIVITY = [
  "seconds",
  "torrentSeconds",
  "endpointSeconds",
  ...GATE_CONNECTION_COUNTS,
  "onlyCounted",
  "exempted",
] as const;

/** One of {@link GATE_ACTIVITY}. */
export type GateActivity = (typeof GATE_ACTIVITY)[number];

/** Tiers that are counted separately. The last is for addresses in no group. The one before it has all further tiers. */
export const ACTIVITY_TIERS = 8;

/** Doubles of a row. */
export const ACTIVITY_WIDTH = ACTIVITY.gate + GATE_ACTIVITY.length;

/** Allocates a thread's counts in shared memory. */
export function allocateActivity(): Float64Array<SharedArrayBuffer> {
  return new Float64Array(new SharedArrayBuffer(GROUP_IDS * ACTIVITY_WIDTH * 8));
}

/** The offset in a row where the peers of a tier are counted. @param tierCount includes the tier of no group. */
export function returnedAt(tier: number, tierCount: number): number {
  return ACTIVITY.returned + tierSlot(tier, tierCount);
}

/** The number among {@link ACTIVITY_TIERS} as which a tier is counted. */
export function tierSlot(tier: number, tierCount: number): number {
  return tier === tierCount - 1 ? ACTIVITY_TIERS - 1 : Math.min(tier, ACTIVITY_TIERS - 2);
}

/** The offset in a row where something of the gate is counted. */
export function gateAt(what: GateActivity): number {
  return ACTIVITY.gate + GATE_ACTIVITY.indexOf(what);
}
