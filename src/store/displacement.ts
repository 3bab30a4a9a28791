/**
 * Chooses the peer that a newcomer replaces when the tracker is full. It is a peer of the same shard with less right
 * to its place:
 *
 * - a learned peer, if the newcomer announced itself;
 * - a peer in no group, if the newcomer is in a peer group;
 * - a peer of an over-represented household (household-limits.ts), if the newcomer's is not. A member of a peer group
 *   is not displaced by a peer in no group.
 *
 * A few peers are examined, chosen at random. If none has less right, the newcomer is refused.
 */
import type { Address, Family } from "../model/address.ts";
import type { Random } from "../model/random.ts";
import { NO_GROUP } from "../network/peer-groups.ts";
import { canBePeer } from "../network/special-purpose.ts";
import { ADMIT } from "./household-limits.ts";
import { groupOf, isLearned } from "./layout/key.ts";
import { wordAOf } from "./layout/peer.ts";
import type { Newcomer } from "./peer-update.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** Peers that are examined. They take about two microseconds. */
const TRIES = 8;

/** Makes room in a store. One for each thread. */
export class Displacement {
  readonly #store: SwarmStore;
  readonly #random: Random;

  constructor(store: SwarmStore, random: Random) {
    this.#store = store;
    this.#random = random;
  }

  /**
   * Removes a peer to make room for a newcomer. Does nothing for a peer that is known already, or that is refused for
   * another reason. A swarm that loses its last peer is removed, and entries of the shard are then no longer valid. The
   * caller holds the shard.
   * @param entry of the newcomer's swarm, or 0.
   * @returns whether a peer was removed.
   */
  makeRoom(shard: number, entry: number, newcomer: Newcomer): boolean {
    const { address, key, port } = newcomer;
    const store = this.#store;
    const list = store.list(address.family);
    const cell = entry === 0 ? 0 : store.listCell(entry, address.family);
    if (!canBePeer(address, port) || (cell !== 0 && list.find(cell, address.words, port) !== -1))
      return false;
    // If a peer of the newcomer's own household can be removed, no other peer has to be.
    if (store.limits.decide(shard, list, cell, newcomer) !== ADMIT) return false;
    return this.#removeOne(shard, address, groupOf(key));
  }

  #removeOne(shard: number, newcomer: Address, group: number): boolean {
    const store = this.#store;
    const swarms = store.swarmsIn(shard);
    for (let i = 0; i < TRIES && swarms > 0; i++) {
      const entry = store.swarmAt(shard, this.#random.below(swarms));
      const in4 = store.list(4).count(store.listCell(entry, 4));
      const in6 = store.list(6).count(store.listCell(entry, 6));
      const chosen = this.#random.below(in4 + in6);
      const family = chosen < in4 ? 4 : 6;
      const position = family === 4 ? chosen : chosen - in4;
      if (!this.#yields(shard, entry, family, position, newcomer, group)) continue;
      store.removePeer(shard, entry, family, position);
      store.removeIfEmpty(shard, entry);
      return true;
    }
    return false;
  }

  #yields(
    shard: number,
    entry: number,
    family: Family,
    position: number,
    newcomer: Address,
    group: number,
  ): boolean {
    const store = this.#store;
    const record = store.list(family).recordAt(store.listCell(entry, family), position);
    const key = store.words[wordAOf(record, family)];
    if (isLearned(key)) return true;
    const isStranger = groupOf(key) === NO_GROUP;
    if (isStranger && group !== NO_GROUP) return true;
    if (!isStranger && group === NO_GROUP) return false;
    return store.limits.isOverRepresented(shard, family, store.words, record, newcomer);
  }
}
