/** The home of a peer group (`selection.home`): the peers whose traffic does not leave the network. */
import { NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";
import type { SelectionSettings } from "./policy.ts";

/** The number of the home of a group: from 1, or 0 for {@link NO_GROUP}. */
export function homeOf(
  line: SelectionSettings["home"],
  { tierOf }: Pick<PeerGroups, "tierOf">,
  group: number,
): number {
  if (group === NO_GROUP) return 0;
  if (line === "groups") return 1;
  return line === "group" ? group : 1 + tierOf[group];
}

/** Whether a peer of `group` is at the home of a requester of `requesterGroup`. A client in no group has no home. */
export function isHome(
  line: SelectionSettings["home"],
  groups: PeerGroups,
  requesterGroup: number,
  group: number,
): boolean {
  if (group === NO_GROUP || requesterGroup === NO_GROUP) return false;
  return homeOf(line, groups, group) === homeOf(line, groups, requesterGroup);
}
