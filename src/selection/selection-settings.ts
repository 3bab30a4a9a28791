import type { PeerGroups } from "../network/peer-groups.ts";
import type { HomeLine } from "./home.ts";

/** The configuration's `selection`. */
export interface SelectionSettings {
  readonly policy: "bridged" | "nearest";
  readonly home: HomeLine;
  readonly strangers: "nearest" | "outside_first";
  /** With fewer home peers than this, and no bridge or complete copy among them, outside peers fill up. */
  readonly enough: number;
  /** Most bridges of a home in a swarm. */
  readonly bridges: number;
  /** Complete copies at home with which no bridge is needed; one will do where four others download. */
  readonly homeSeedsEnough: number;
  /** A download without progress for so many seconds has stalled. */
  readonly stallSeconds: number;
}

/** What the peers of an answer are chosen by. */
export interface SelectionPolicy {
  readonly selection: SelectionSettings;
  readonly groups: PeerGroups;
}

/** Seconds between announces of leechers whose home depends on bridges, so that a lost bridge is noticed. */
export function bridgedInterval({ stallSeconds }: SelectionSettings): number {
  return stallSeconds >> 1;
}
