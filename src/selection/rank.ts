/** In what order peers are returned, and which are not returned at all: the rules of every policy. */

import type { PeerGroups } from "../network/peer-groups.ts";
import { groupOf, hasPrivateAddress, isComplete, isLearned, isUnconfirmed } from "../store/layout/key.ts";
import { NOT_RETURNED, type SelectionRules } from "./policy.ts";
import type { Requester } from "./requester.ts";

/**
 * The rank that the policy gives a peer. Seeders for a seeder that gets them only to fill up its answer ({@link Requester.filled})
 * have ranks behind all others. A peer that is not returned has one of {@link NOT_RETURNED}:
 *
 * - A seeder that has transferred something gets no seeders.
 * - A private address is returned only where it can be reached.
 * - Learned peers are not returned to other trackers. Otherwise trackers would learn them from each other forever.
 * - Unconfirmed peers (store/layout/key.ts) have no rank. Clients of the tracker that returned them get them after all other
 *   peers (own-tracker-peers.ts).
 * @param key of the peer (store/layout/key.ts).
 */
export function rankOf(key: number, rules: SelectionRules, who: Requester): number {
  if (isUnconfirmed(key)) return who.poll ? NOT_RETURNED.learned : NOT_RETURNED.unconfirmed;
  if (!who.seeder || !isComplete(key)) return reachableRank(key, rules, who);
  if (!who.filled) return NOT_RETURNED.seeder;
  const rank = reachableRank(key, rules, who);
  return rank < NOT_RETURNED.first ? ordinaryRanks(rules) + rank : rank;
}

/** How many ranks there are besides those of seeders for a seeder. */
export function ordinaryRanks({ groups, selection }: SelectionRules): number {
  return 2 * selection.blocks * groups.tierCount;
}

/** Twice the tier of a peer's group, one more when it is not the requester's own. */
export function nearnessOf(key: number, groups: PeerGroups, who: Requester): number {
  const group = groupOf(key);
  return 2 * groups.tierOf[group] + (group === who.group ? 0 : 1);
}

/** Why peers with this rank are not returned, for people; undefined if they are returned. */
export function whyNot(rank: number, { selection }: SelectionRules): string | undefined {
  if (rank < NOT_RETURNED.first) return undefined;
  if (rank >= NOT_RETURNED.policy) return selection.whyNot(rank);
  return REASONS[rank - NOT_RETURNED.first];
}

/** By rank, in the order of {@link NOT_RETURNED}. */
const REASONS = [
  "the requester has a complete copy, so it needs no seeders",
  "private addresses, which the requester's group cannot reach",
  "learned from an unconfirmed upstream tracker, whose peers are returned only to its own clients",
  "learned peers are not returned to other trackers",
];

function reachableRank(key: number, { groups, selection }: SelectionRules, who: Requester): number {
  if (who.poll && isLearned(key)) return NOT_RETURNED.learned;
  if (hasPrivateAddress(key) && !groups.reaches(groupOf(key), who.group)) return NOT_RETURNED.private;
  return selection.rankOf(key, groups, who);
}
