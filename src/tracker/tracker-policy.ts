import type { PeerGroups } from "../network/peer-groups.ts";
import type { AccessList } from "./access-list.ts";
import type { SelectionSettings } from "./selection-settings.ts";

/** What an operator sets about answers; see the configuration keys of the same names. Times in seconds. */
export interface TrackerSettings {
  readonly interval: number;
  readonly minInterval: number;
  readonly numWant: number;
  readonly numWantMax: number;
}

/** What answers follow from: all that a reload replaces. */
export interface TrackerPolicy {
  readonly settings: TrackerSettings;
  readonly selection: SelectionSettings;
  readonly groups: PeerGroups;
  readonly accessList: AccessList;
}
