/** The settings of the gate: the configuration's `gate`, what it takes from other sections, and the exclude file. */
import type { PeerGroupsData } from "../network/peer-groups.ts";
import type { SelectionSettings } from "../selection/policy.ts";
import type { AccessList } from "../tracker/access-list.ts";

/** Settings of the gate. Times in seconds. */
export interface GateSettings {
  readonly enabled: boolean;
  /** Names of the groups whose members it applies to; none: those of the nearest tier. */
  readonly groups: readonly string[];
  readonly seeders: "closed" | "open";
  /** Allows the torrents that may be gated. */
  readonly exclude: AccessList;
  readonly maxTorrents: number;
  /** Of subscribers' and outside endpoints together. */
  readonly maxEndpoints: number;
  readonly home: SelectionSettings["home"];
  readonly stallSeconds: number;
  /** Seconds between the announces of a seeder. */
  readonly interval: number;
}

/** The ids of the groups whose members the gate applies to. */
export function gatedGroups(
  { groups }: Pick<PeerGroupsData, "groups">,
  { enabled, groups: names }: Pick<GateSettings, "enabled" | "groups">,
): number[] {
  if (!enabled) return [];
  const chosen = groups.filter(({ name, tier }) => (names.length === 0 ? tier === 0 : names.includes(name)));
  return chosen.map(({ id }) => id);
}
