import { NO_GROUP } from "../network/peer-groups.ts";
import type { SelectionRules } from "../selection/policy.ts";
import type { AccessList } from "./access-list.ts";
import type { Polls } from "./polls.ts";

/** What an operator sets about answers; see the configuration keys of the same names. Times in seconds. */
export interface TrackerSettings {
  readonly interval: number;
  readonly minInterval: number;
  readonly numWant: number;
  readonly numWantMax: number;
  /** Whether learned peers are counted as incomplete ones of ours, for clients. */
  readonly countLearned: boolean;
}

/** When a complete copy is believed, and whom the hash list can strand: the keys of `hashlist` of the same names. */
export interface CopySettings {
  /** Seconds for which a copy is announced until it is proven (peer-record.ts). */
  readonly minDwell: number;
  /** Tiers that are inside. */
  readonly tiers: number;
}

/** What answers follow from: all that a reload replaces. */
export interface TrackerPolicy extends SelectionRules {
  readonly settings: TrackerSettings;
  readonly copies: CopySettings;
  readonly accessList: AccessList;
  readonly polls: Polls;
  /** Seconds after which other trackers are asked again about a swarm that is announced; 0: there are none. */
  readonly refreshSeconds: number;
  /** Milliseconds that the first announce of a swarm may wait for what they say. */
  readonly refreshWaitMs: number;
}

/** Whether members of a group are inside: their connections to the outside are refused for listed torrents. */
export function isInside({ groups, copies }: TrackerPolicy, group: number): boolean {
  return group !== NO_GROUP && groups.tierOf[group] < copies.tiers;
}
