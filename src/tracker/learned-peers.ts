/**
 * Puts peers that another tracker has named into the store, for the control plane. They are given like any others, by
 * their groups, but are nobody's to count: not in scrapes, not in what is kept, not for other trackers that ask.
 *
 * What others name must not crowd out who announces here: a swarm takes so many of them, and the store at most half of
 * what it has room for.
 */
import { Address, type Family, readWord } from "../model/address.ts";
import { COMPACT_BYTES } from "../model/announce.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { isUnusable } from "../network/special-purpose.ts";
import { peerKey } from "./peer-key.ts";
import { ADDRESS_WORDS, KEY_COMPLETE, KEY_LEARNED, KEY_MASK, outlives, packLearned } from "./peer-record.ts";
import { PEERS_PER_HOLD, SHARD_WAIT_MS } from "./shard-lock.ts";
import { LEARNED_MAX, learnedCount } from "./swarm-state.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** The store's part for learned peers. */
const STORE_SHARE = 0.5;

/** Peers that another tracker has named. */
export interface NamedPeers {
  readonly family: Family;
  /** In compact form (BEP 23, BEP 7). */
  readonly peers: Uint8Array;
  /** Whether that tracker says that all of them have complete copies. */
  readonly complete: boolean;
  /** The tracker's number, below 128. */
  readonly source: number;
  /** When they are forgotten unless they are named again. Seconds. */
  readonly expiresAt: number;
}

/** What came of it. */
export class LearnedCounts {
  /** New here. */
  added = 0;
  /** Learned before, from whomever. */
  renewed = 0;
  /** Announced themselves: better known than by hearsay. */
  announced = 0;
  /** Not stored: the swarm or the store has as many learned peers as it may have. */
  refused = 0;
  /** Not stored: port 0, or an address that can be nobody's. */
  unusable = 0;
}

/** Stores learned peers. */
export class LearnedPeers {
  /** By whose groups they are classified, and most that a swarm takes: never more than LEARNED_MAX. */
  groups: PeerGroups;
  swarmLimit: number;
  readonly #store: SwarmStore;
  readonly #shardLimit: number;
  readonly #address = new Address();

  /** @param maxPeers the store's. */
  constructor(store: SwarmStore, maxPeers: number, groups: PeerGroups, swarmLimit: number) {
    this.#store = store;
    this.#shardLimit = (maxPeers * STORE_SHARE) / store.shards;
    this.groups = groups;
    this.swarmLimit = swarmLimit;
  }

  /** Whether a swarm is there; if its shard cannot be had, because a thread has died, it is not. */
  isAnnounced(infoHash: Uint32Array): boolean {
    const store = this.#store;
    const shard = store.shardOf(infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.once)) return false;
    const entry = store.find(shard, infoHash);
    store.leave(shard);
    return entry !== 0;
  }

  /**
   * Stores those that are not known yet.
   * @param counts are raised by what came of it.
   * @returns false when there is no such swarm any more, or its shard could not be had, because a thread has died.
   */
  learn(infoHash: Uint32Array, named: NamedPeers, counts: LearnedCounts): boolean {
    const store = this.#store;
    const size = COMPACT_BYTES[named.family];
    for (let at = 0; at < named.peers.length; at += PEERS_PER_HOLD * size) {
      const shard = store.shardOf(infoHash);
      if (!store.tryEnterShard(shard, SHARD_WAIT_MS.once)) return false;
      const entry = store.find(shard, infoHash);
      const end = Math.min(named.peers.length, at + PEERS_PER_HOLD * size);
      if (entry !== 0) this.#learnSome(shard, entry, named, at, end, counts);
      store.leave(shard);
      if (entry === 0) return false;
    }
    return true;
  }

  #learnSome(
    shard: number,
    entry: number,
    { family, peers, ...named }: NamedPeers,
    from: number,
    to: number,
    counts: LearnedCounts,
  ): void {
    const store = this.#store;
    const { words } = this.#store;
    const address = this.#address;
    const cell = store.listCell(entry, family);
    const list = store.list(family);
    const state = packLearned(named.source, named.expiresAt);
    const size = COMPACT_BYTES[family];
    for (let at = from; at + size <= to; at += size) {
      if (family === 4) address.setIPv4(readWord(peers, at));
      else address.setBytes(peers, at);
      const port = (peers[at + size - 2] << 8) | peers[at + size - 1];
      if (port === 0 || isUnusable(address) || address.family !== family) {
        counts.unusable++;
        continue;
      }
      const key = peerKey(address, this.groups, named.complete) | KEY_LEARNED;
      const position = list.find(cell, address.words, port);
      if (position === -1) {
        const isFull =
          learnedCount(words, entry) >= Math.min(this.swarmLimit, LEARNED_MAX) ||
          store.learnedIn(shard) >= this.#shardLimit;
        if (isFull || store.addLearned(shard, entry, { address, port, key }, state) === -1) counts.refused++;
        else counts.added++;
        continue;
      }
      const keyAt = list.recordAt(cell, position) + ADDRESS_WORDS[family];
      const old = words[keyAt] & KEY_MASK;
      if ((old & KEY_LEARNED) === 0) {
        counts.announced++;
        continue;
      }
      counts.renewed++;
      if (outlives(state, words[keyAt + 1])) words[keyAt + 1] = state;
      const renewed = key | (old & KEY_COMPLETE);
      if (old !== renewed) store.rekeyPeer(shard, entry, family, position, renewed);
    }
  }
}
