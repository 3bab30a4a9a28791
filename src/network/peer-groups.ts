/**
 * Peer groups: the group of an address, its tier, and which groups receive private addresses. The control plane builds
 * them from the configuration; the data plane uses them as numbers.
 */
import type { Address } from "../model/address.ts";
import { comparePrefixes, containsPrefix, type Prefix } from "./prefix.ts";
import { buildPrefixTable, PrefixTable, type PrefixTableData } from "./prefix-table.ts";

/** Limit of configured peer groups. Lower than {@link GROUP_IDS}, so that a reload has spare ids. */
export const GROUPS_MAX = 500;

/** Upper bound of group ids: a peer's record has 9 bits for one. */
export const GROUP_IDS = 512;

/** The id of addresses in no group. */
export const NO_GROUP = 0;

/** Peers per address (IPv6: /56) in a swarm: default and upper bound. */
export const ADDRESS_LIMIT = 16;
export const ADDRESS_LIMIT_MAX = 1000;

/** A peer group as configured. */
export interface PeerGroupDefinition {
  /** Unique. */
  readonly name: string;
  /** Lower is nearer; groups of equal priority form one tier. */
  readonly priority: number;
  readonly prefixes: readonly Prefix[];
  /** Names of other groups whose members may receive this group's private addresses. */
  readonly reachableFrom: readonly string[];
  /** Peers per address of this group in a swarm. Undefined: the general limit. */
  readonly addressLimit?: number | undefined;
}

/** A peer group as shown by the control plane. */
interface PeerGroupSummary {
  readonly id: number;
  readonly name: string;
  readonly tier: number;
  readonly prefixCount: number;
}

/** Built peer groups: immutable shared memory, and a summary for the control plane. */
export interface PeerGroupsData {
  /** Maps an address to a group id. */
  readonly table: PrefixTableData;
  /** The tier of each group id; unused ids have the farthest. */
  readonly tierOf: Uint16Array<SharedArrayBuffer>;
  /** Peers per address in a swarm, by group id. */
  readonly addressLimitOf: Uint16Array<SharedArrayBuffer>;
  /** Number of tiers, including the farthest (no group): at least 1. */
  readonly tierCount: number;
  /** A bit for each pair, at `peerGroup * GROUP_IDS + requesterGroup`: see {@link PeerGroups.reaches}. */
  readonly reach: Uint32Array<SharedArrayBuffer>;
  /** In the order of the configuration. */
  readonly groups: readonly PeerGroupSummary[];
  /** The id that was assigned last; the next new group gets the following one. */
  readonly lastId: number;
}

/**
 * Builds peer groups. If several groups have the same prefix, it belongs to the nearest of them, then to the first in
 * the list. A group keeps the id that its name had in `previous`. New groups get ids in a cycle, starting after the
 * last one assigned: so the id of a removed group stays unused for as long as possible, as peers may still have it.
 * @param definitions at most {@link GROUPS_MAX}, with unique names and known names in `reachableFrom`.
 * @param addressLimit peers per address in a swarm, for groups without their own limit.
 */
export function buildPeerGroups(
  definitions: readonly PeerGroupDefinition[],
  previous?: PeerGroupsData,
  addressLimit: number = ADDRESS_LIMIT,
): PeerGroupsData {
  const { ids, lastId } = assignIds(definitions, previous);
  const priorities = [...new Set(definitions.map((group) => group.priority))].sort((a, b) => a - b);
  const groups = definitions.map(({ name, priority, prefixes }) => ({
    id: ids.get(name)!,
    name,
    tier: priorities.indexOf(priority),
    prefixCount: prefixes.length,
  }));
  const tierOf = new Uint16Array(new SharedArrayBuffer(GROUP_IDS * 2)).fill(priorities.length);
  for (const { id, tier } of groups) tierOf[id] = tier;
  const addressLimitOf = new Uint16Array(new SharedArrayBuffer(GROUP_IDS * 2)).fill(addressLimit);
  for (const group of definitions) addressLimitOf[ids.get(group.name)!] = group.addressLimit ?? addressLimit;
  const nearestFirst = definitions.toSorted((a, b) => a.priority - b.priority);
  const entries = nearestFirst.flatMap(({ name, prefixes }) => {
    const value = ids.get(name)!;
    return prefixes.map((prefix) => ({ prefix, value }));
  });
  return {
    table: buildPrefixTable(entries),
    tierOf,
    addressLimitOf,
    tierCount: priorities.length + 1,
    reach: buildReach(definitions, ids),
    groups,
    lastId,
  };
}

/** The data plane's view of the peer groups. */
export class PeerGroups {
  /** The tier of each group id; 0 is the nearest. */
  readonly tierOf: Uint16Array;
  /** Peers per address (IPv6: /56) in a swarm, by group id. */
  readonly addressLimitOf: Uint16Array;
  /** Number of tiers, including the farthest (no group). */
  readonly tierCount: number;
  readonly #table: PrefixTable;
  readonly #reach: Uint32Array;

  constructor(data: PeerGroupsData) {
    this.tierOf = data.tierOf;
    this.addressLimitOf = data.addressLimitOf;
    this.tierCount = data.tierCount;
    this.#table = new PrefixTable(data.table);
    this.#reach = data.reach;
  }

  /** The id of the group with the longest prefix that contains `address`, or {@link NO_GROUP}. */
  groupOf(address: Address): number {
    return this.#table.lookup(address);
  }

  /**
   * Whether a private address of `peerGroup` may be returned to a requester of `requesterGroup`: they are the same
   * group (no group counts as one), or the first is reachable from the second.
   */
  reaches(peerGroup: number, requesterGroup: number): boolean {
    const bit = peerGroup * GROUP_IDS + requesterGroup;
    return ((this.#reach[bit >>> 5] >>> (bit & 31)) & 1) === 1;
  }
}

/** The number of prefixes of one group that lie inside prefixes of another, or equal them. */
export interface PeerGroupOverlap {
  readonly inner: string;
  readonly outer: string;
  readonly prefixCount: number;
}

/**
 * Finds overlapping groups, in the order of the definitions. A prefix is counted once for each other group that it lies
 * in, even if a group lists it repeatedly. A prefix in both groups counts in both directions.
 */
export function findOverlaps(definitions: readonly PeerGroupDefinition[]): PeerGroupOverlap[] {
  const sorted = definitions
    .flatMap(({ prefixes }, group) => prefixes.map((prefix) => ({ prefix, group })))
    .sort((a, b) => comparePrefixes(a.prefix, b.prefix));
  /** The distinct prefixes that contain the current one, outermost first, and the groups that list each. */
  const open: { prefix: Prefix; groups: Set<number> }[] = [];
  /** Number of open prefixes of each group. */
  const depths = new Map<number, number>();
  const counts = definitions.map(() => new Map<number, number>());
  const closeLast = () => {
    const { groups } = open.pop()!;
    for (const inner of groups) {
      for (const outer of depths.keys()) {
        if (outer !== inner) counts[inner].set(outer, (counts[inner].get(outer) ?? 0) + 1);
      }
    }
    for (const group of groups) {
      const depth = depths.get(group)! - 1;
      if (depth === 0) depths.delete(group);
      else depths.set(group, depth);
    }
  };
  for (const { prefix, group } of sorted) {
    while (open.length > 0 && !containsPrefix(open.at(-1)!.prefix, prefix)) closeLast();
    if (open.at(-1)?.prefix.length !== prefix.length) open.push({ prefix, groups: new Set() });
    const { groups } = open.at(-1)!;
    if (groups.has(group)) continue;
    groups.add(group);
    depths.set(group, (depths.get(group) ?? 0) + 1);
  }
  while (open.length > 0) closeLast();
  return definitions.flatMap(({ name }, inner) =>
    [...counts[inner]]
      .sort(([a], [b]) => a - b)
      .map(([outer, prefixCount]) => ({ inner: name, outer: definitions[outer].name, prefixCount })),
  );
}

function assignIds(definitions: readonly PeerGroupDefinition[], previous: PeerGroupsData | undefined) {
  const idBefore = new Map(previous?.groups.map((group) => [group.name, group.id]));
  const names = new Set(definitions.map((group) => group.name));
  const kept = new Set<number>();
  const left = new Set<number>();
  for (const [name, id] of idBefore) (names.has(name) ? kept : left).add(id);
  let lastId = previous?.lastId ?? NO_GROUP;
  const inTurn = Array.from({ length: GROUP_IDS - 1 }, (_, i) => 1 + ((lastId + i) % (GROUP_IDS - 1)));
  const free = inTurn.filter((id) => !kept.has(id) && !left.has(id)).concat(...left);
  const ids = new Map<string, number>();
  let given = 0;
  for (const name of names) {
    const id = idBefore.get(name);
    if (id === undefined) lastId = free[given++];
    ids.set(name, id ?? lastId);
  }
  return { ids, lastId };
}

/** Every id reaches itself, including unused ones. */
function buildReach(definitions: readonly PeerGroupDefinition[], ids: ReadonlyMap<string, number>) {
  const reach = new Uint32Array(new SharedArrayBuffer((GROUP_IDS * GROUP_IDS) / 8));
  const allow = (peerGroup: number, requesterGroup: number) => {
    const bit = peerGroup * GROUP_IDS + requesterGroup;
    reach[bit >>> 5] |= 1 << (bit & 31);
  };
  for (let id = 0; id < GROUP_IDS; id++) allow(id, id);
  for (const { name, reachableFrom } of definitions) {
    for (const requester of reachableFrom) allow(ids.get(name)!, ids.get(requester)!);
  }
  return reach;
}
