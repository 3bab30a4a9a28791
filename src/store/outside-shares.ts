/**
 * Two shares of outside peers, 16 bits each, in parts of 2^16 - 1: among the peers returned to a client, and among
 * those that could have been returned.
 *
 * From them two figures are estimated: the outside traffic of the client, and what it would be with a tracker that
 * chooses at random. The estimate assumes equal traffic with every known peer, unless the policy limits the outside peers
 * ({@link LIMITED}). Each answer moves a share a quarter of the way, since clients keep connections to peers that later
 * answers do not name. The first share rises at once: a client that is returned outside peers has found too little inside.
 */

import { packShares, randomShare, returnedShare, WHOLE } from "./layout/traffic.ts";

/** The peers that were returned to a client, those that could have been returned, and how many of each are in no group. */
export interface AnswerCounts {
  readonly returned: number;
  readonly returnedOutside: number;
  readonly candidates: number;
  readonly candidatesOutside: number;
  /** The selection policy limited the outside peers, not the room of the answer. */
  readonly isLimited: boolean;
}

/**
 * A client whose outside peers the policy limits. The figures were found with the simulator, so that they hold for every
 * `selection.patience` (lab/simulator/estimate.integration.test.ts).
 *
 * - `weight`: what an outside peer sends to it, compared with one inside. The policy adds outside peers where the peers
 *   inside send too little.
 * - `least`: the least share of outside peers, relative to a random choice. Outside clients that know it connect to it,
 *   whatever peers are returned to it.
 */
const LIMITED = { weight: 1.5, least: 0.2 } as const;

/** The shares of one answer. */
export function sharesOf(answer: AnswerCounts): number {
  const { returned, returnedOutside, candidates, candidatesOutside, isLimited } = answer;
  const isFewer = isLimited && returnedOutside < candidatesOutside;
  const outside = (isFewer ? LIMITED.weight : 1) * returnedOutside;
  const share = outside === 0 ? 0 : Math.round((WHOLE * outside) / (outside + returned - returnedOutside));
  const random = candidates === 0 ? 0 : Math.round((WHOLE * candidatesOutside) / candidates);
  return packShares(isFewer ? Math.max(share, Math.round(LIMITED.least * random)) : share, random);
}

/** The shares after another answer. An answer without peers does not change them. */
export function followShares(shares: number, who: AnswerCounts): number {
  const more = sharesOf(who);
  const share =
    who.returned === 0
      ? returnedShare(shares)
      : Math.max(returnedShare(more), approach(returnedShare(shares), returnedShare(more)));
  const random =
    who.candidates === 0 ? randomShare(shares) : approach(randomShare(shares), randomShare(more));
  return packShares(share, random);
}

/**
 * The first share of a client that has announced for the first time, where routers hold the policy: practically nothing. If
 * they are to refuse its connections, they do so right after this announce.
 */
const NEW_SHARE = 1;

/** Seconds after the first announce in which the gate may not know the client's other address yet. */
export const NEW_SECONDS = 10;

/**
 * The shares of the time since the last announce, where routers hold the policy (gate/). A client whose connections they
 * refuse, and did at its last announce, gets nothing from outside. Others meet the outside as with a tracker that chooses at
 * random: clients find outside peers elsewhere too, so only what routers refuse is avoided.
 * @param shares that {@link nextHeldShares} returned at the last announce.
 */
export function heldShares(shares: number, isRefused: boolean): number {
  const random = randomShare(shares);
  return packShares(isRefused ? Math.min(returnedShare(shares), random) : random, random);
}

/**
 * The shares to remember where routers hold the policy.
 * @param before the shares so far, or -1 at the first announce.
 * @param shares by the answers ({@link followShares}).
 * @param seconds since the last announce.
 */
export function nextHeldShares(before: number, shares: number, isRefused: boolean, seconds: number): number {
  const random = randomShare(shares);
  const isNew = before === -1 || (returnedShare(before) === NEW_SHARE && seconds <= NEW_SECONDS);
  if (isNew) return packShares(NEW_SHARE, random);
  return packShares(isRefused ? 0 : random, random);
}

/** A value that is a quarter of the way from one to the other. */
function approach(before: number, more: number): number {
  return Math.floor((3 * before + more + 2) / 4);
}
