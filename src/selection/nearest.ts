/** The policy `nearest`: all clients get the nearest peers first, and all peers may be returned. */
import type { PeerGroups } from "../network/peer-groups.ts";
import type { SelectionPolicy, SelectionSettings } from "./policy.ts";
import { nearnessOf } from "./rank.ts";
import type { Requester } from "./requester.ts";

/** {@link SelectionPolicy} `nearest`. */
export class NearestPolicy implements SelectionPolicy {
  readonly settings: SelectionSettings;
  readonly blocks = 1;

  constructor(settings: SelectionSettings) {
    this.settings = settings;
  }

  /** This policy has no roles. */
  assignRole(): void {}

  rankOf(key: number, groups: PeerGroups, who: Requester): number {
    return nearnessOf(key, groups, who);
  }

  reserve(): number {
    return 0;
  }

  /** @throws RangeError always: this policy returns all peers that can be reached. */
  whyNot(rank: number): string {
    throw new RangeError(`no peer has the rank ${rank}`);
  }
}
