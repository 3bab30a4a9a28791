/** The homes that the gate applies to, by peer group. */
import { findRanges, formatRange } from "../network/address-ranges.ts";
import { GROUP_IDS, NO_GROUP, PeerGroups, type PeerGroupsData } from "../network/peer-groups.ts";
import { homeOf } from "../selection/homes.ts";
import { groupOf, hasPrivateAddress } from "../store/layout/key.ts";
import type { GateHome } from "./protocol.ts";
import { type GateSettings, gatedGroups } from "./settings.ts";

/** Characters of a name that is sent to routers. */
const NAME_LENGTH = 100;

/** A home, for routers and people. */
export interface Home {
  /** By `homeOf`. */
  readonly id: number;
  readonly name: string;
  /** The ids of its groups, and of those of them that the gate applies to: at least one. */
  readonly groups: ReadonlySet<number>;
  readonly members: ReadonlySet<number>;
}

/** Looks homes up by the keys of peers (peer-record.ts). */
export class Homes {
  /** Those with members. */
  readonly homes: readonly Home[];
  /** By group id: its home, if that has members, or 0. */
  readonly #homeOf = new Uint16Array(GROUP_IDS);
  readonly #isMember = new Uint8Array(GROUP_IDS);
  readonly #isReached = new Uint8Array(GROUP_IDS);
  readonly #tierOf: PeerGroups["tierOf"];

  constructor(data: PeerGroupsData, settings: Pick<GateSettings, "enabled" | "groups" | "home">) {
    const groups = new PeerGroups(data);
    this.#tierOf = groups.tierOf;
    const members = gatedGroups(data, settings);
    const ids = [...new Set(members.map((id) => homeOf(settings.home, groups, id)))];
    this.homes = ids.map((id) => {
      const own = data.groups.filter((group) => homeOf(settings.home, groups, group.id) === id);
      const chosen = own.filter((group) => members.includes(group.id));
      return {
        id,
        name: chosen.map(({ name }) => name).join(", "),
        groups: new Set(own.map((group) => group.id)),
        members: new Set(chosen.map((group) => group.id)),
      };
    });
    for (const home of this.homes) {
      for (const group of home.groups) {
        this.#homeOf[group] = home.id;
        this.#isReached[group] = Number([...home.groups].every((other) => groups.reaches(group, other)));
      }
      for (const group of home.members) this.#isMember[group] = 1;
    }
  }

  /** The home of a peer, or 0. */
  of(key: number): number {
    return this.#homeOf[groupOf(key)];
  }

  /** The tier of a peer that is in a group. */
  tierOf(key: number): number {
    return this.#tierOf[groupOf(key)];
  }

  /** Whether the gate applies to a peer. */
  isMember(key: number): boolean {
    return this.#isMember[groupOf(key)] === 1;
  }

  /** Whether all of its home reach a peer: a private address may be reachable only from its own group. */
  isReached(key: number): boolean {
    return !hasPrivateAddress(key) || this.#isReached[groupOf(key)] === 1;
  }

  /** Whether a peer is in no group: outside of every home. */
  isOutside(key: number): boolean {
    return groupOf(key) === NO_GROUP;
  }
}

/** The homes as routers get them: with the ranges of addresses of all their groups, and of members. */
export function describeHomes({ homes }: Homes, { table }: PeerGroupsData): GateHome[] {
  const rangesOf = (ids: ReadonlySet<number>) =>
    ([4, 6] as const).flatMap((family) => findRanges(table, family, (id) => ids.has(id)).map(formatRange));
  return homes.map(({ id, name, groups, members }) => ({
    id,
    name: name.slice(0, NAME_LENGTH),
    members: rangesOf(members),
    inside: rangesOf(groups),
  }));
}
