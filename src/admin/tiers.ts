/** The tiers of peers in figures, nearest first. */
import { NO_GROUP, type PeerGroupsData } from "../network/peer-groups.ts";
import { ACTIVITY_TIERS, tierSlot } from "../store/group-activity.ts";

/** A tier. */
export interface ShownTier {
  /** Its place in rows of tiers (group-activity.ts). */
  readonly slot: number;
  /** Whether this is the tier of peers in no group. */
  readonly outside: boolean;
  /** The ids and names of its groups. The outside tier has no names. */
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
