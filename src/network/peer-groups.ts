/**
 * Peer groups: whose an address is, how near that is, and who may be told private addresses. Built by the control
 * plane from the configuration, used by the data plane as numbers.
 */
import type { Address } from "../model/address.ts";
import { comparePrefixes, containsPrefix, type Prefix } from "./prefix.ts";
import { buildPrefixTable, PrefixTable, type PrefixTableData } from "./prefix-table.ts";

/** Most peer groups that can be defined. Below {@link GROUP_IDS}, so that a reload has ids to spare. */
export const GROUPS_MAX = 1000;

/** Group ids are below this: a peer's record has 10 bits for one. */
export const GROUP_IDS = 1024;

/** The id of addresses that are in no group. */
export const NO_GROUP = 0;

/** Peers of one address (IPv6: /56) in a torrent that are remembered, by default; and the most that this can be. */
export const ADDRESS_LIMIT = 16;
export const ADDRESS_LIMIT_MAX = 1000;

/** A peer group as configured. */
export interface PeerGroupDefinition {
  /** Unique. */
  readonly name: string;
  /** Lower is nearer; groups of equal priority are one tier. */
  readonly priority: number;
  readonly prefixes: readonly Prefix[];
  /** Names of the groups, beside this one, to whose members this group's private addresses may be given. */
  readonly reachableFrom: readonly string[];
  /** Peers of one address of the group in a torrent. Undefined: as in no group. */
  readonly addressLimit?: number | undefined;
}

/** A peer group as the control plane shows it. */
interface PeerGroupSummary {
  readonly id: number;
  readonly name: string;
  readonly tier: number;
  readonly prefixCount: number;
}

/** Built peer groups: shared memory that is never written again, and what the control plane shows of them. */
export interface PeerGroupsData {
  /** Gives an address's group id. */
  readonly table: PrefixTableData;
  /** The tier of each group id; the farthest for ids not in use. */
  readonly tierOf: Uint16Array<SharedArrayBuffer>;
  /** Peers of one address in a torrent, by group id. */
  readonly addressLimitOf: Uint16Array<SharedArrayBuffer>;
  /** Tiers, the farthest (no group) among them: at least 1. */
  readonly tierCount: number;
  /** A bit for each pair, at `peerGroup * GROUP_IDS + requesterGroup`: see {@link PeerGroups.reaches}. */
  readonly reach: Uint32Array<SharedArrayBuffer>;
  /** In the order of the configuration. */
  readonly groups: readonly PeerGroupSummary[];
  /** The id given last: the next new group's comes after it. */
  readonly lastId: number;
}

/**
 * Builds peer groups. Where groups claim the same prefix, the nearest of them has it, then the first in the list.
 * A group has the id that its name had in `previous`. New ones are numbered on from the id given last, round and
 * round, so that an id left by a group that is gone stays unused for as long as possible: peers may still carry it.
 * @param definitions at most {@link GROUPS_MAX}, with unique names and known names in `reachableFrom`.
 * @param addressLimit peers of one address in a torrent, where its group says nothing else.
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

/** Answers the data plane's questions about peer groups. */
export class PeerGroups {
  /** The tier of each group id, 0 the nearest. */
  readonly tierOf: Uint16Array;
  /** Peers of one address (IPv6: /56) that are remembered in a torrent, by group id. */
  readonly addressLimitOf: Uint16Array;
  /** Tiers, the farthest (no group) among them. */
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

  /** The id of the group with the longest prefix that holds `address`, or {@link NO_GROUP}. */
  groupOf(address: Address): number {
    return this.#table.lookup(address);
  }

  /**
   * Whether a private address of `peerGroup` may be given to a requester of `requesterGroup`: they are the same
   * group (no group counts as one), or the first is reachable from the second.
   */
  reaches(peerGroup: number, requesterGroup: number): boolean {
    const bit = peerGroup * GROUP_IDS + requesterGroup;
    return ((this.#reach[bit >>> 5] >>> (bit & 31)) & 1) === 1;
  }
}

/** How many prefixes of one group lie inside prefixes of another, or are the same. */
export interface PeerGroupOverlap {
  readonly inner: string;
  readonly outer: string;
  readonly prefixCount: number;
}

/**
 * Finds the groups that overlap, in the order of the definitions. A prefix is counted once for each other group it
 * lies in, however often either one lists it; a prefix that both list counts both ways.
 */
export function findOverlaps(definitions: readonly PeerGroupDefinition[]): PeerGroupOverlap[] {
  const sorted = definitions
    .flatMap(({ prefixes }, group) => prefixes.map((prefix) => ({ prefix, group })))
    .sort((a, b) => comparePrefixes(a.prefix, b.prefix));
  /** The distinct prefixes around the current one, outermost first, and the groups that list each. */
  const open: { prefix: Prefix; groups: Set<number> }[] = [];
  /** How many of the open prefixes each group lists. */
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

/** Every id reaches itself, also those not in use. */
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
