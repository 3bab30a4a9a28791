import { NO_GROUP } from "../network/peer-groups.ts";
import type { SelectionRules } from "../selection/policy.ts";
import type { AccessList } from "./access-list.ts";
import type { Polls } from "./polls.ts";

/** Settings of the answers. See the configuration keys of the same names. Times are in seconds. */
export interface TrackerSettings {
  readonly interval: number;
  readonly minInterval: number;
  readonly numWant: number;
  readonly numWantMax: number;
  /** Whether the number of incomplete peers in an answer includes learned peers. */
  readonly countLearned: boolean;
}

/** When a complete copy is proven, and which clients the hash list affects: keys of `hashlist` with the same names. */
export interface CopySettings {
  /** Seconds for which a copy must be announced until it is proven (store/layout/key.ts). */
  readonly minDwell: number;
  /** The number of tiers that are inside. */
  readonly tiers: number;
}

/** All settings and tables that decide an answer. A reload replaces it. */
export interface TrackerPolicy extends SelectionRules {
  readonly settings: TrackerSettings;
  readonly copies: CopySettings;
  readonly accessList: AccessList;
  readonly polls: Polls;
  /** Seconds after which neighbors are asked again about a swarm that clients still announce; 0: there are no neighbors. */
  readonly refreshSeconds: number;
  /** Milliseconds that the first announce of a swarm may wait for the first reply. */
  readonly refreshWaitMs: number;
  /** By group id: 1 where the gate is on. Undefined: nowhere. */
  readonly gatedGroups?: Uint8Array | undefined;
}

/** Whether members of a group are inside: their connections to the outside are refused for listed torrents. */
export function isInside({ groups, copies }: TrackerPolicy, group: number): boolean {
  return group !== NO_GROUP && groups.tierOf[group] < copies.tiers;
}
