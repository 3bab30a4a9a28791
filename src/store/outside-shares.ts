/**
 * The shares of outside peers in the answers that a client was given: among those it was given, 16 bits, and among those it
 * could have been given, 16 bits; parts of 2^16 - 1.
 *
 * From the shares it is estimated what it has received from outside and sent there, and would have with a tracker that
 * chooses at random: as much from every peer that it knows. They go a quarter of the way to
 * those of each answer, as clients keep connections that later answers do not name; that of outside peers rises at once,
 * as who is given some has found too little inside.
 */

/** A share of all. */
export const WHOLE = 0xffff;

/** Peers that a client is given, and could be given; and how many of them are in no group. */
export interface Given {
  readonly given: number;
  readonly givenOutside: number;
  readonly eligible: number;
  readonly eligibleOutside: number;
}

/** The shares of one answer. */
export function sharesOf({ given, givenOutside, eligible, eligibleOutside }: Given): number {
  const share = given === 0 ? 0 : Math.round((WHOLE * givenOutside) / given);
  const random = eligible === 0 ? 0 : Math.round((WHOLE * eligibleOutside) / eligible);
  return (share << 16) | random;
}

/** The shares so far after another answer. One without peers says nothing. */
export function followShares(shares: number, who: Given): number {
  const more = sharesOf(who);
  const share = who.given === 0 ? shares >>> 16 : Math.max(more >>> 16, approach(shares >>> 16, more >>> 16));
  const random = who.eligible === 0 ? shares & WHOLE : approach(shares & WHOLE, more & WHOLE);
  return (share << 16) | random;
}

/** A quarter of the way. */
function approach(before: number, more: number): number {
  return (3 * before + more + 2) >>> 2;
}
