/**
 * Walks through all swarms, again and again, a little at a time: peers that have not announced for too long go, and so
 * do learned peers whose time has come;
 * after a change of the groups peers get their new one. On its way it counts what there is (census.ts). It holds a shard
 * for a few hundred records at most.
 */

import type { Family } from "../model/address.ts";
import { Address } from "../model/address.ts";
import { COUNTER } from "../model/counters.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { peerKey } from "../store/peer-key.ts";
import {
  ADDRESS_WORDS,
  ageOf,
  isForgotten,
  KEY_COMPLETE,
  KEY_DUPLICATE,
  KEY_LEARNED,
  KEY_MARKED,
  KEY_MASK,
  KEY_PRIVATE,
  KEY_PROVEN,
} from "../store/peer-record.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { Census } from "./census.ts";

/** Records and swarms looked at before the shard is let go: tens of microseconds, a millisecond if all must go. */
const HOLD = 256;

/**
 * Rounds that reclassify after a change of groups. One can miss a peer that filled the place of another that left
 * between two steps; a peer that even two miss is put right by its next announce.
 */
const RECLASSIFY_ROUNDS = 2;

/** What a {@link Sweeper} works with. */
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

/** Sweeps some of a store's shards. */
export class Sweeper {
  /** Seconds without an announce after which a peer goes. */
  peerExpiry: number;
  readonly #store: SwarmStore;
  readonly #counters: Float64Array;
  readonly #firstShard: number;
  readonly #shardStep: number;
  readonly #address = new Address();
  readonly #census: Census;
  #groups: PeerGroups;
  #reclassifyRounds = 0;
  /** The place it has come to: swarms from the last number down, the peers of each from the front. */
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
   * Takes over new groups: peers known already are classified anew, from the start. Where that is under way it goes on
   * from its place, for a round more: else groups that change often would keep it from the last shards for ever.
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
   * Goes on for about `budget` records and swarms.
   * @returns true when this completed a round.
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

  /** @returns true when that was the last. */
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

  /** @returns false at the end of the shard. */
  #sweepShard(shard: number, now: number): boolean {
    const store = this.#store;
    let left = HOLD;
    // What was removed since the last hold has shortened the table: swarms only move to lower numbers.
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
   * Sweeps what is left of the list of `#family`, from its front: a removal fills its place from further back, and an
   * insertion moves records of a run only from its front to its back, so that none not yet seen gets behind.
   * @returns what is left of the budget; with none, there may be more.
   */
  #sweepList(shard: number, entry: number, now: number, budget: number): number {
    const list = this.#store.list(this.#family);
    const cell = this.#store.listCell(entry, this.#family);
    let left = budget;
    for (; this.#position < list.count(cell) && left > 0; left--) {
      const record = list.recordAt(cell, this.#position);
      if (!this.#isSettled(shard, entry, record, now)) continue;
      this.#census.add(this.#family, this.#store.words[record + ADDRESS_WORDS[this.#family]]);
      this.#position++;
    }
    return left;
  }

  /** @returns false when the peer was moved or removed, and another may be in its place. */
  #isSettled(shard: number, entry: number, record: number, now: number): boolean {
    const store = this.#store;
    const { words } = store;
    const keyAt = record + ADDRESS_WORDS[this.#family];
    const old = words[keyAt] & KEY_MASK;
    const state = words[keyAt + 1];
    const learned = (old & KEY_LEARNED) !== 0;
    // Who may be told a learned private address was settled by the groups of then: it is to be learned anew.
    const isUnsettled = this.reclassifying && learned && (old & KEY_PRIVATE) !== 0;
    if (isUnsettled || (learned ? isForgotten(state, now) : ageOf(state, now) > this.peerExpiry)) {
      store.removePeer(shard, entry, this.#family, this.#position);
      if (!learned) this.#counters[COUNTER.peersExpired]++;
      return false;
    }
    if (!this.reclassifying) return true;
    if (this.#family === 4) this.#address.setIPv4(words[record]);
    else this.#address.setIPv6(words[record], words[record + 1], words[record + 2], words[record + 3]);
    const kept = old & (KEY_MARKED | KEY_PROVEN | KEY_LEARNED | KEY_DUPLICATE);
    const key =
      peerKey(this.#address, this.#groups.groupOf(this.#address), (old & KEY_COMPLETE) !== 0) | kept;
    if (key === old) return true;
    store.rekeyPeer(shard, entry, this.#family, this.#position, key);
    return false;
  }
}
