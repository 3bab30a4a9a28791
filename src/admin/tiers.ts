/** The tiers that are told apart, the nearest first. */
import { NO_GROUP, type PeerGroupsData } from "../network/peer-groups.ts";
import { ACTIVITY_TIERS, tierSlot } from "../store/group-activity.ts";

/** A tier. */
export interface ShownTier {
  /** Its place in rows of tiers (group-activity.ts). */
  readonly slot: number;
  /** Whether it is that of peers in no group. */
  readonly outside: boolean;
  /** Its groups: their ids, and their names, of which outside has none. */
  readonly ids: readonly number[];
  readonly names: readonly string[];
}

/** The tiers of a policy's groups. */
export function tiersOf({ groups, tierCount }: PeerGroupsData): ShownTier[] {
  const slots = new Set(Array.from({ length: tierCount }, (_, tier) => tierSlot(tier, tierCount)));
  return [...slots].map((slot) => {
    const outside = slot === ACTIVITY_TIERS - 1;
    const members = groups.filter(({ tier }) => tierSlot(tier, tierCount) === slot);
    return {
      slot,
      outside,
      ids: outside ? [NO_GROUP] : members.map(({ id }) => id),
      names: members.map(({ name }) => name),
    };
  });
}
