/** In what order peers are given, and which are not given at all. */

import { NO_GROUP } from "../network/peer-groups.ts";
import {
  isUnconfirmed,
  KEY_COMPLETE,
  KEY_GROUP,
  KEY_LEARNED,
  KEY_MARKED,
  KEY_PRIVATE,
} from "../store/peer-record.ts";
import { isHome } from "./home.ts";
import type { Requester } from "./requester.ts";
import type { SelectionPolicy } from "./selection-settings.ts";

/**
 * Ranks of peers that the requester is not given, by the reason: `first` and above. A seeder that has transferred
 * something is given no seeders, a private address goes only where it is reached; across the border of a home only
 * bridges and complete copies are met; who is no bridge of its home is given nobody outside. Learned peers are not passed
 * on to other trackers: what they hear from each other would go round and round, and never be forgotten. Unconfirmed
 * peers (peer-record.ts) are returned to nobody by rank: clients of the tracker that named them get them behind all
 * others (own-tracker-peers.ts).
 */
export const NOT_GIVEN = {
  first: 0xfff0,
  seeder: 0xfff0,
  private: 0xfff1,
  unconfirmed: 0xfff2,
  border: 0xfff3,
  outside: 0xfff4,
  learned: 0xfff5,
} as const;

/**
 * Twice the tier of a peer's group, one more when it is not the requester's own; outside the requester's home, behind
 * everything at home; seeders for a seeder that is filled up with them ({@link Requester.filled}), behind everything
 * else. Or one of {@link NOT_GIVEN}.
 * @param key of the peer (peer-record.ts).
 */
export function rankOf(key: number, policy: SelectionPolicy, who: Requester): number {
  if (isUnconfirmed(key)) return who.poll ? NOT_GIVEN.learned : NOT_GIVEN.unconfirmed;
  if (!who.seeder || (key & KEY_COMPLETE) === 0) return nearnessOf(key, policy, who);
  if (!who.filled) return NOT_GIVEN.seeder;
  const near = nearnessOf(key, policy, who);
  return near < NOT_GIVEN.first ? ordinaryRanks(policy) + near : near;
}

/** How many ranks there are besides those of seeders for a seeder. */
export function ordinaryRanks({ groups, selection }: SelectionPolicy): number {
  return (selection.policy === "bridged" ? 4 : 2) * groups.tierCount;
}

function nearnessOf(key: number, { groups, selection }: SelectionPolicy, who: Requester): number {
  if (who.poll && (key & KEY_LEARNED) !== 0) return NOT_GIVEN.learned;
  const group = key & KEY_GROUP;
  if ((key & KEY_PRIVATE) !== 0 && !groups.reaches(group, who.group)) return NOT_GIVEN.private;
  const near = 2 * groups.tierOf[group] + (group === who.group ? 0 : 1);
  if (selection.policy === "nearest" || isHome(selection.home, groups, who.group, group)) return near;
  if (group !== NO_GROUP && (key & (KEY_MARKED | KEY_COMPLETE)) === 0 && !who.stalled)
    return NOT_GIVEN.border;
  const far = 2 * groups.tierCount;
  if (who.group !== NO_GROUP) return who.outside ? far + near : NOT_GIVEN.outside;
  return selection.strangers === "outside_first" && group !== NO_GROUP ? far + near : near;
}
