/**
 * Sweeps all swarms in endless rounds, in small steps. It removes peers that have not announced for too long, and learned
 * peers that have expired. After a change of the peer groups it assigns the new group to each peer. It also counts peers
 * and swarms (census.ts). It holds a shard for a few hundred records at most.
 */

import type { Family } from "../model/address.ts";
import { Address } from "../model/address.ts";
import { COUNTER } from "../model/counters.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { hasPrivateAddress, isComplete, isLearned, keyOf, withStateOf } from "../store/layout/key.ts";
import { isForgotten, readAddress, wordAOf, wordBAt } from "../store/layout/peer.ts";
import { peerKey } from "../store/peer-key.ts";
import { ageOf } from "../store/peer-record.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { Census } from "./census.ts";

/** Records and swarms that are examined in one hold of a shard: tens of microseconds, or a millisecond if all expire. */
const HOLD = 256;

/**
 * Rounds that reclassify peers after a change of groups. One round can miss a peer that was moved into the place of a
 * removed one between two steps. If both rounds miss a peer, its next announce corrects its group.
 */
const RECLASSIFY_ROUNDS = 2;

/** The options of a {@link Sweeper}. */
export interface SweeperOptions {
  readonly store: SwarmStore;
  readonly groups: PeerGroups;
  /** Seconds without an announce after which a peer is removed. */
  readonly peerExpiry: number;
  /** As in model/counters.ts. */
  readonly counters: Float64Array;
  /** Where the census of a round is published (census.ts). */
  readonly census: Uint32Array;
  /** It sweeps every `workers`-th shard, beginning with number `worker`. */
  readonly worker: number;
  readonly workers: number;
}

/** Sweeps a worker's part of the shards. */
export class Sweeper {
  /** Seconds without an announce after which a peer is removed. */
  peerExpiry: number;
  readonly #store: SwarmStore;
  readonly #counters: Float64Array;
  readonly #firstShard: number;
  readonly #shardStep: number;
  readonly #address = new Address();
  readonly #census: Census;
  #groups: PeerGroups;
  #reclassifyRounds = 0;
  /** The current position. Swarms are swept from the highest number down, the peers of each from the front. */
  #shard: number;
  #number = -1;
  #family: Family = 4;
  #position = 0;

  constructor({ store, groups, peerExpiry, counters, census, worker, workers }: SweeperOptions) {
    this.#store = store;
    this.#groups = groups;
    this.peerExpiry = peerExpiry;
    this.#counters = counters;
    this.#census = new Census(census, groups);
    this.#firstShard = worker;
    this.#shardStep = workers;
    this.#shard = worker;
    this.#beginShard();
  }

  /**
   * Adopts new groups, and reclassifies all stored peers, from the first shard on. If a reclassification is in progress,
   * it continues from its position for one more round. Otherwise frequent changes could keep it from ever reaching the
   * last shards.
   */
  reclassify(groups: PeerGroups): void {
    this.#groups = groups;
    this.#census.groups = groups;
    if (this.reclassifying) {
      this.#reclassifyRounds = RECLASSIFY_ROUNDS + 1;
      return;
    }
    this.#census.begin();
    this.#reclassifyRounds = RECLASSIFY_ROUNDS;
    this.#shard = this.#firstShard;
    this.#beginShard();
  }

  /** Whether peers may still have groups from before the last change. */
  get reclassifying(): boolean {
    return this.#reclassifyRounds > 0;
  }

  /**
   * Sweeps about `budget` records and swarms.
   * @returns true if a round was completed.
   */
  step(now: number, budget: number): boolean {
    const store = this.#store;
    for (let left = budget; left > 0; left -= HOLD) {
      const shard = this.#shard;
      store.enterShard(shard);
      const more = this.#sweepShard(shard, now);
      store.leave(shard);
      if (!more && this.#nextShard()) return true;
    }
    return false;
  }

  #beginShard(): void {
    this.#number = 0xffffffff;
    this.#beginSwarm();
  }

  #beginSwarm(): void {
    this.#census.beginSwarm();
    this.#family = 4;
    this.#position = 0;
  }

  /** Moves to the next shard. @returns true after the last shard of a round. */
  #nextShard(): boolean {
    this.#shard += this.#shardStep;
    const wrapped = this.#shard >= this.#store.shards;
    if (wrapped) {
      this.#shard = this.#firstShard;
      if (this.#reclassifyRounds > 0) this.#reclassifyRounds--;
      this.#census.publish();
    }
    this.#beginShard();
    return wrapped;
  }

  /** Sweeps a part of the shard. @returns false if its end was reached. */
  #sweepShard(shard: number, now: number): boolean {
    const store = this.#store;
    let left = HOLD;
    // Swarms removed since the last hold have shortened the table. Swarms only move to lower numbers.
    const last = store.swarmsIn(shard) - 1;
    if (this.#number > last) {
      this.#number = last;
      this.#beginSwarm();
    }
    while (this.#number >= 0) {
      const entry = store.swarmAt(shard, this.#number);
      left = this.#sweepList(shard, entry, now, left);
      if (left > 0 && this.#family === 4) {
        this.#family = 6;
        this.#position = 0;
        left = this.#sweepList(shard, entry, now, left);
      }
      if (left <= 0) return true;
      this.#census.endSwarm(store.words, entry);
      store.removeIfEmpty(shard, entry);
      this.#number--;
      this.#beginSwarm();
      left--;
    }
    return false;
  }

  /**
   * Sweeps the rest of the list of `#family`, from front to back. A removal fills the gap from further back. An insertion
   * moves records of a run only from its front to its back. So no record moves behind the position unseen.
   * @returns the rest of the budget. If it is 0, the list may not be finished.
   */
  #sweepList(shard: number, entry: number, now: number, budget: number): number {
    const list = this.#store.list(this.#family);
    const cell = this.#store.listCell(entry, this.#family);
    let left = budget;
    for (; this.#position < list.count(cell) && left > 0; left--) {
      const record = list.recordAt(cell, this.#position);
      if (!this.#isSettled(shard, entry, record, now)) continue;
      this.#census.add(this.#family, this.#store.words[wordAOf(record, this.#family)]);
      this.#position++;
    }
    return left;
  }

  /** @returns false if the peer was moved or removed. Another peer may be in its place then. */
  #isSettled(shard: number, entry: number, record: number, now: number): boolean {
    const store = this.#store;
    const { words } = store;
    const wordA = wordAOf(record, this.#family);
    const old = keyOf(words[wordA]);
    const state = wordBAt(words, wordA);
    const learned = isLearned(old);
    // A learned private address was filtered by the old groups. It is removed, and must be learned again.
    const isUnsettled = this.reclassifying && learned && hasPrivateAddress(old);
    if (isUnsettled || (learned ? isForgotten(state, now) : ageOf(state, now) > this.peerExpiry)) {
      store.removePeer(shard, entry, this.#family, this.#position);
      if (!learned) this.#counters[COUNTER.peersExpired]++;
      return false;
    }
    if (!this.reclassifying) return true;
    readAddress(words, record, this.#family, this.#address);
    const group = this.#groups.groupOf(this.#address);
    const key = withStateOf(peerKey(this.#address, group, isComplete(old)), old);
    if (key === old) return true;
    store.rekeyPeer(shard, entry, this.#family, this.#position, key);
    return false;
  }
}
