/**
 * What a selection policy decides: the order of the peers, which peers are not returned, and the role of the requester
 * in its swarm. Rules that hold under every policy are in rank.ts. A policy is a file, and a line in policies.ts.
 */
import type { PeerGroups } from "../network/peer-groups.ts";
import type { PeerList } from "../store/peer-list.ts";
import type { Segments } from "../store/segments.ts";
import type { Requester } from "./requester.ts";

/** What an operator sets about the selection: keys of the configuration's `selection`. */
export interface SelectionSettings {
  /** What is home to a requester: all peer groups together, those of its priority, or its own group alone. */
  readonly home: "group" | "groups" | "tier";
  /** The answer to a requester in no group. */
  readonly strangers: "nearest" | "outside_first";
  /** A download without progress for so many seconds has stalled. */
  readonly stallSeconds: number;
}

/** The peers of one family of a swarm, and the requester's own position among them, or -1. */
export interface FamilyPeers {
  readonly list: PeerList;
  readonly cell: number;
  readonly segments: Segments;
  readonly requester: number;
}

/** The most {@link SelectionPolicy.blocks} that a policy has. */
export const BLOCKS_MAX = 2;

/**
 * A selection policy. One object for each thread, made when a configuration is adopted: it may have scratch memory, and
 * allocates nothing per request. All calls in force go to one class, so V8 can inline them.
 */
export interface SelectionPolicy {
  readonly settings: SelectionSettings;
  /** Blocks of ranks, each with two ranks for each tier. The peers of one block come before those of the next. */
  readonly blocks: 1 | typeof BLOCKS_MAX;
  /**
   * Decides the role of the requester: sets `marked`, `outside` and `interval` of {@link Requester}. A mark that changes
   * is stored with the peer.
   * @param now seconds.
   */
  assignRole(ipv4: FamilyPeers, ipv6: FamilyPeers, groups: PeerGroups, who: Requester, now: number): void;
  /**
   * The rank of a peer that the requester can reach: the lower, the earlier it is returned.
   * @param key of the peer (peer-record.ts).
   * @returns a rank of one of the {@link blocks}; or {@link NOT_RETURNED.policy} or a code above it.
   */
  rankOf(key: number, groups: PeerGroups, who: Requester): number;
  /** How many places of an answer are reserved for peers of the blocks after the first. */
  reserve(who: Requester, wanted: number): number;
  /** Why peers with this rank, {@link NOT_RETURNED.policy} or above, are not returned. For people. */
  whyNot(rank: number): string;
}

/** The policy in force, and the groups that it goes by. */
export interface SelectionRules {
  readonly selection: SelectionPolicy;
  readonly groups: PeerGroups;
}

/** Ranks of peers that are not returned, by the reason: `first` and above. From `policy` on each policy has its own. */
export const NOT_RETURNED = {
  first: 0xfff0,
  seeder: 0xfff0,
  private: 0xfff1,
  unconfirmed: 0xfff2,
  learned: 0xfff3,
  policy: 0xfff4,
} as const;
