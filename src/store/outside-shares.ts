/**
 * Two shares of outside peers, 16 bits each, in parts of 2^16 - 1: among the peers returned to a client, and among
 * those that could have been returned.
 *
 * From them two figures are estimated: the outside traffic of the client, and what it would be with a tracker that
 * chooses at random. The estimate assumes equal traffic with every known peer. Each answer moves a share a quarter of
 * the way, since clients keep connections to peers that later answers do not name. The first share rises at once: a
 * client that is returned outside peers has found too little inside.
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
