/** The policy of a tracker with ordinary settings, for benchmarks in one process. */
import { PeerGroups, type PeerGroupsData } from "../src/network/peer-groups.ts";
import { makeSelectionPolicy, type PolicyName } from "../src/selection/policies.ts";
import { AccessList, buildAccessList } from "../src/tracker/access-list.ts";
import { NO_POLLS } from "../src/tracker/polls.ts";
import type { TrackerPolicy } from "../src/tracker/tracker-policy.ts";

/** Makes a policy that serves all torrents, and asks no other tracker. */
export function makeTrackerPolicy(policy: PolicyName, groups: PeerGroupsData): TrackerPolicy {
  return {
    selection: makeSelectionPolicy({
      policy,
      home: "groups",
      strangers: "nearest",
      stallSeconds: 600,
      patience: 1.1,
    }),
    copies: { minDwell: 600, tiers: 1 },
    settings: { interval: 1800, minInterval: 900, numWant: 50, numWantMax: 200, countLearned: false },
    groups: new PeerGroups(groups),
    polls: NO_POLLS,
    refreshSeconds: 0,
    refreshWaitMs: 0,
    accessList: new AccessList(buildAccessList("off", new Uint32Array(0))),
  };
}
