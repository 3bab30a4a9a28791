/** What is home to a requester: where traffic is cheap, as `selection.home` draws the line. */
import { NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";

/** All peer groups together, those of the requester's priority, or its own group alone. */
export type HomeLine = "groups" | "tier" | "group";

/** Whether a peer of `group` is at home with a requester of `requesterGroup`. In no group nobody is at home. */
export function isHome(line: HomeLine, groups: PeerGroups, requesterGroup: number, group: number): boolean {
  if (group === NO_GROUP || requesterGroup === NO_GROUP) return false;
  if (line === "groups") return true;
  if (line === "group") return group === requesterGroup;
  return groups.tierOf[group] === groups.tierOf[requesterGroup];
}
