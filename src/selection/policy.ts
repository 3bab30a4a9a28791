/**
 * What a selection policy decides: the order of the peers, which peers are not returned, and the role of the requester
 * in its swarm. Rules that hold under every policy are in rank.ts. A policy is a file, and a line in policies.ts.
 */
import type { PeerGroups } from "../network/peer-groups.ts";
import type { PeerList } from "../store/peer-list.ts";
import type { Segments } from "../store/segments.ts";
import type { Requester } from "./requester.ts";

/** The settings of the selection: keys of `selection` in the configuration. */
export interface SelectionSettings {
  /** The home of a requester: all peer groups together, the groups of its priority, or only its own group. */
  readonly home: "group" | "groups" | "tier";
  /** The answer to a requester in no group. */
  readonly strangers: "nearest" | "outside_first";
  /** A download has stalled after this many seconds without progress. */
  readonly stallSeconds: number;
  /** How many times as long a download may take as with all peers; above 1. */
  readonly patience: number;
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
 * A selection policy. Each thread makes its own object when a configuration is loaded. It may have scratch memory, and
 * allocates nothing per request. All calls go to one class at a time, so V8 can inline them.
 */
export interface SelectionPolicy {
  readonly settings: SelectionSettings;
  /** Blocks of ranks, each with two ranks for each tier. The peers of one block come before those of the next. */
  readonly blocks: 1 | typeof BLOCKS_MAX;
  /**
   * Decides the role of the requester: sets `marked`, `outsideMax` and `interval` of {@link Requester}. A mark that changes
   * is stored with the peer.
   * @param now seconds.
   */
  assignRole(ipv4: FamilyPeers, ipv6: FamilyPeers, groups: PeerGroups, who: Requester, now: number): void;
  /**
   * The rank of a peer that the requester can reach: the lower, the earlier it is returned.
   * @param key of the peer (store/layout/key.ts).
   * @returns a rank of one of the {@link blocks}; or {@link NOT_RETURNED.policy} or a code above it.
   */
  rankOf(key: number, groups: PeerGroups, who: Requester): number;
  /** The number of places of an answer that are reserved for peers of the blocks after the first. */
  reserve(who: Requester, wanted: number): number;
  /** Why peers with this rank, {@link NOT_RETURNED.policy} or above, are not returned. For people. */
  whyNot(rank: number): string;
}

/** The current policy, and the peer groups. */
export interface SelectionRules {
  readonly selection: SelectionPolicy;
  readonly groups: PeerGroups;
}

/** Ranks of peers that are not returned, by reason. The lowest is `first`. From `policy` on, each policy defines its own. */
export const NOT_RETURNED = {
  first: 0xfff0,
  seeder: 0xfff0,
  private: 0xfff1,
  unconfirmed: 0xfff2,
  learned: 0xfff3,
  policy: 0xfff4,
} as const;
