/**
 * Decides whether a household may have another peer: in one swarm, and in all swarms of a shard together. It counts every
 * record that is added or removed, for its household and for its endpoint (endpoint-counts.ts).
 */
import type { Address, Family } from "../model/address.ts";
import { allowanceFor } from "./admission.ts";
import { EndpointCounts } from "./endpoint-counts.ts";
import { hashHousehold, Mates } from "./household.ts";
import { HouseholdCounts } from "./household-counts.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { isLearned, portOf } from "./layout/key.ts";
import { wordAOf } from "./layout/peer.ts";
import type { PeerList } from "./peer-list.ts";
import type { Newcomer } from "./peer-update.ts";
import type { SwarmStoreData } from "./store-memory.ts";

/**
 * Info-hashes are distributed over the shards at random, and so are the peers of a household. A shard may have twice its
 * even share of them, and a few more for small shares.
 */
const UNEVENNESS = 2;
const UNEVENNESS_PEERS = 8;

/** A household is over-represented if it has more than twice as many peers in the shard as another, and a few more. */
const OVER_REPRESENTED = 2;
const OVER_REPRESENTED_PEERS = 8;

/** Decisions of {@link HouseholdLimits.decide} besides a position. */
export const ADMIT = -1;
export const REFUSE = -2;

/** A thread's view of the limits. Callers hold the lock of the shard they name. */
export class HouseholdLimits {
  /** The records of each outside endpoint, where the gate needs them. */
  readonly endpoints: EndpointCounts | undefined;
  readonly #counts: HouseholdCounts;
  /** The number of peers in each shard. */
  readonly #peers: Int32Array<SharedArrayBuffer>;
  readonly #hash: KeyedHash;
  readonly #mates = new Mates();
  /** The limit of a household in a shard is this many times its limit in one swarm. */
  readonly #shardAllowance: number;

  constructor({ households, endpoints, peers, shards, maxPeers }: SwarmStoreData, hash: KeyedHash) {
    this.endpoints = endpoints && new EndpointCounts(endpoints, hash);
    this.#counts = new HouseholdCounts(households, shards);
    this.#peers = peers;
    this.#hash = hash;
    this.#shardAllowance = (UNEVENNESS * allowanceFor(maxPeers)) / shards;
  }

  /**
   * Decides whether a peer may be added to a swarm. If its household has reached its limit in the swarm, a learned or
   * overdue peer of it must be removed. Learned peers do not count for the limit in all swarms, so that a tracker that
   * names an address takes no places from it; learned-peers.ts limits them.
   * @param cell of the swarm's list, or 0 for a swarm that does not exist yet.
   * @param newcomer is not in the list.
   * @returns {@link ADMIT}, {@link REFUSE}, or the position in the list of the peer that must be removed first.
   */
  decide(
    shard: number,
    list: PeerList,
    cell: number,
    { address, key, now, admission }: Omit<Newcomer, "port">,
  ): number {
    const addressLimit = admission.limitFor(key);
    const mates = this.#mates;
    if (cell !== 0 && list.count(cell) >= addressLimit) {
      list.countMates(cell, address.words, now, mates);
      if (mates.count >= addressLimit) {
        if (isLearned(key)) return REFUSE;
        if (mates.learned !== -1) return mates.learned;
        return mates.oldestAge > admission.overdueSeconds ? mates.oldest : REFUSE;
      }
    }
    if (isLearned(key)) return ADMIT;
    const hash = hashHousehold(this.#hash, address.family, address.words, 0);
    if (this.#counts.isFull(shard, hash)) return REFUSE;
    const limit = addressLimit * this.#shardAllowance + UNEVENNESS_PEERS;
    return this.#counts.count(shard, hash) < limit + this.#othersIn(shard) ? ADMIT : REFUSE;
  }

  /**
   * Whether the household of a peer has many more peers than that of a newcomer.
   * @param at of the peer's address in `words`.
   */
  isOverRepresented(
    shard: number,
    family: Family,
    words: Uint32Array,
    at: number,
    newcomer: Address,
  ): boolean {
    const its = this.#counts.count(shard, hashHousehold(this.#hash, family, words, at));
    const own = this.#counts.count(shard, hashHousehold(this.#hash, newcomer.family, newcomer.words, 0));
    return its > OVER_REPRESENTED * Math.max(own, this.#othersIn(shard)) + OVER_REPRESENTED_PEERS;
  }

  /**
   * Counts a peer that was added or removed. Learned peers do not count for a household.
   * @param at of its record in `words`.
   */
  count(shard: number, family: Family, words: Uint32Array, at: number, key: number, by: 1 | -1): void {
    this.#countEndpoint(family, words, at, by);
    if (isLearned(key)) return;
    this.#counts.add(shard, hashHousehold(this.#hash, family, words, at), by);
  }

  #countEndpoint(family: Family, words: Uint32Array, at: number, by: 1 | -1): void {
    if (this.endpoints === undefined) return;
    this.endpoints.add(family, words, at, portOf(words[wordAOf(at, family)]), by);
  }

  /** Removes all peers of a list that has only learned peers. */
  clearLearned(shard: number, words: Uint32Array, family: Family, list: PeerList, cell: number): void {
    for (let i = this.endpoints === undefined ? 0 : list.count(cell); i > 0; i--) {
      const record = list.recordAt(cell, i - 1);
      this.#countEndpoint(family, words, record, -1);
    }
    list.clear(shard, cell);
  }

  /** The average number of other households' peers in a counter. */
  #othersIn(shard: number): number {
    return this.#peers[shard] / this.#counts.width;
  }

  /** Clears the counters of a shard. */
  forget(shard: number): void {
    this.#counts.forget(shard);
  }
}
