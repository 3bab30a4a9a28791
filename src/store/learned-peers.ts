/**
 * Stores peers that other trackers named, for the control plane. Learned peers are returned by their groups like all
 * others. They are left out of scrapes, of storage, and of answers to other trackers.
 *
 * They must not crowd out announced peers: a swarm has a maximum of them, and so has the store, half of its room. One
 * tracker must not crowd out another: the trackers share the places of a swarm (learned-shares.ts). A part of the
 * store's room is reserved for confirmed trackers, and a part for neighbors.
 */
import { Address, type Family, readPort, readWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { canBePeer } from "../network/special-purpose.ts";
import { Admission } from "./admission.ts";
import { LEARNED_MAX, learnedCount } from "./layout/entry.ts";
import { isLearned, isUnconfirmed, keyOf, learnedKey, withCompleteOf } from "./layout/key.ts";
import { packLearned, renewedState, setWordB, sourceOf, wordBAt } from "./layout/peer.ts";
import { holderOf, LearnedShares, standingOf } from "./learned-shares.ts";
import { peerKey } from "./peer-key.ts";
import { PutOutcome } from "./peer-update.ts";
import { SHARD_WAIT_MS } from "./shard-lock.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** The store's part for learned peers. */
const STORE_SHARE = 0.5;

/** For each standing (learned-shares.ts): the part of these places up to which its peers are added. */
const STORE_FILL = [1 / 2, 3 / 4, 1];

/** An answer counts as stored if this many of its peers are stored, even if there was no room for others. */
const ENOUGH_PEERS = 25;

/** Peers that are stored while a shard is held once. Each may have to search for a peer to displace. */
const LEARNED_PER_HOLD = 64;

/** Peers that another tracker named. */
export interface NamedPeers {
  readonly family: Family;
  /** In compact form (BEP 23, BEP 7). */
  readonly peers: Uint8Array;
  /** Whether that tracker reports all of them as complete. */
  readonly complete: boolean;
  /** The tracker's number (layout/peer.ts). */
  readonly source: number;
  /** Whether they are returned only to clients of that tracker (layout/key.ts). False by default. */
  readonly unconfirmed?: boolean;
  /** When they expire unless they are named again. Seconds. */
  readonly expiresAt: number;
}

/** Peers that an upstream tracker named in one answer. */
export interface ForeignPeers extends Omit<NamedPeers, "family" | "complete"> {
  readonly infoHash: Uint32Array;
  /** In compact form (BEP 7). */
  readonly peers6: Uint8Array;
}

/** The outcomes of learning peers. */
export class LearnedCounts {
  /** Stored as new peers. */
  added = 0;
  /** Known already as learned peers, from any tracker. */
  renewed = 0;
  /** Removed to make room for peers of other trackers. */
  displaced = 0;
  /** Known already as announced peers. */
  announced = 0;
  /** Not stored, because the swarm or the store has its maximum of learned peers. */
  refused = 0;
  /** Not stored, because the port is 0 or 1, or the address cannot be that of a peer. */
  unusable = 0;

  /** All that are in the store now, or were when they were named. */
  get stored(): number {
    return this.added + this.renewed + this.announced;
  }
}

/** What came of storing the peers of one answer. */
export type LearnResult = "learned" | "absent" | "locked";

/** Stores learned peers. */
export class LearnedPeers {
  /** The groups by which peers are classified. */
  groups: PeerGroups;
  /** The maximum of learned peers in a swarm. LEARNED_MAX is another limit. */
  swarmLimit: number;
  readonly #store: SwarmStore;
  readonly #shardLimit: number;
  readonly #address = new Address();
  readonly #admission = new Admission();
  readonly #outcome = new PutOutcome();
  readonly #shares: LearnedShares;

  /** @param maxPeers of the store. @param swarmLimit the maximum of learned peers in a swarm. */
  constructor(store: SwarmStore, maxPeers: number, groups: PeerGroups, swarmLimit: number) {
    this.#store = store;
    this.#shares = new LearnedShares(store);
    this.#shardLimit = (maxPeers * STORE_SHARE) / store.shards;
    this.groups = groups;
    this.swarmLimit = swarmLimit;
  }

  /** Whether a swarm exists. True as well if its shard is locked for too long: a request too many does no harm. */
  isAnnounced(infoHash: Uint32Array): boolean {
    const store = this.#store;
    const shard = store.shardOf(infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.once)) return true;
    const entry = store.find(shard, infoHash);
    store.leave(shard);
    return entry !== 0;
  }

  /**
   * Stores peers.
   * @param counts the outcomes are added to it.
   * @returns `absent` if the swarm does not exist. `locked` if its shard was locked for too long: some peers, or all of
   *   them, are not stored.
   */
  learn(infoHash: Uint32Array, named: NamedPeers, counts: LearnedCounts): LearnResult {
    const store = this.#store;
    const size = COMPACT_BYTES[named.family];
    for (let at = 0; at < named.peers.length; at += LEARNED_PER_HOLD * size) {
      const shard = store.shardOf(infoHash);
      if (!store.tryEnterShard(shard, SHARD_WAIT_MS.once)) return "locked";
      const entry = store.find(shard, infoHash);
      if (entry !== 0) this.#learnSome(shard, entry, named, at, counts);
      store.leave(shard);
      if (entry === 0) return "absent";
    }
    return "learned";
  }

  /**
   * Stores the peers of an upstream tracker's answer.
   * @returns whether enough of them are stored to answer the tracker's clients: {@link ENOUGH_PEERS}, or most of them.
   */
  learnAnswer({ infoHash, peers, peers6, ...named }: ForeignPeers, counts: LearnedCounts): boolean {
    const { stored, refused } = counts;
    const common = { complete: false, ...named };
    if (peers.length > 0) this.learn(infoHash, { family: 4, peers, ...common }, counts);
    if (peers6.length > 0) this.learn(infoHash, { family: 6, peers: peers6, ...common }, counts);
    const kept = counts.stored - stored;
    return kept >= ENOUGH_PEERS || kept > counts.refused - refused;
  }

  /** Stores {@link LEARNED_PER_HOLD} peers, from the offset `from` on. */
  #learnSome(
    shard: number,
    entry: number,
    { family, peers, ...named }: NamedPeers,
    from: number,
    counts: LearnedCounts,
  ): void {
    const store = this.#store;
    const { words } = this.#store;
    const address = this.#address;
    const cell = store.listCell(entry, family);
    const list = store.list(family);
    const state = packLearned(named.source, named.expiresAt);
    const unconfirmed = named.unconfirmed === true;
    const holder = holderOf(unconfirmed, named.source);
    const size = COMPACT_BYTES[family];
    const to = Math.min(peers.length, from + LEARNED_PER_HOLD * size);
    this.#shares.begin(entry);
    for (let at = from; at + size <= to; at += size) {
      if (family === 4) address.setIPv4(readWord(peers, at));
      else address.setBytes(peers, at);
      const port = readPort(peers, at + size - 2);
      if (!canBePeer(address, port) || address.family !== family) {
        counts.unusable++;
        continue;
      }
      const announced = peerKey(address, this.groups.groupOf(address), named.complete);
      const key = learnedKey(announced, unconfirmed);
      const position = list.find(cell, address.words, port);
      if (position === -1) {
        const newcomer = { address, port, key, now: 0, admission: this.#admission };
        this.#admission.set(this.groups, store.maxPeers, 0);
        const hasRoom = this.#makeRoom(shard, entry, holder, counts);
        if (!hasRoom || store.addLearned(shard, entry, newcomer, state, this.#outcome) === -1) {
          counts.refused++;
          continue;
        }
        this.#shares.count(holder, 1);
        counts.added++;
        continue;
      }
      const wordA = list.wordAAt(cell, position);
      const old = keyOf(words[wordA]);
      if (!isLearned(old)) {
        counts.announced++;
        continue;
      }
      counts.renewed++;
      const oldHolder = holderOf(isUnconfirmed(old), sourceOf(wordBAt(words, wordA)));
      // A tracker with a lower standing must not be able to hide the peer from others, or to prolong its time.
      if (standingOf(oldHolder) > standingOf(holder)) continue;
      this.#shares.count(oldHolder, -1);
      this.#shares.count(holder, 1);
      setWordB(words, wordA, renewedState(state, wordBAt(words, wordA)));
      const renewed = withCompleteOf(key, old);
      if (old !== renewed) store.rekeyPeer(shard, entry, family, position, renewed);
    }
  }

  /** Makes room for a new peer of a holder (learned-shares.ts). @returns whether there is any. */
  #makeRoom(shard: number, entry: number, holder: number, counts: LearnedCounts): boolean {
    const store = this.#store;
    if (store.learnedIn(shard) >= this.#shardLimit * STORE_FILL[standingOf(holder)]) return false;
    if (learnedCount(store.words, entry) < Math.min(this.swarmLimit, LEARNED_MAX)) return true;
    if (!this.#shares.displace(shard, holder)) return false;
    counts.displaced++;
    return true;
  }
}
