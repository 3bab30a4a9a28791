/**
 * Loads stored swarms into memory: at start, before the first announce; or later, beside announces, when the database
 * was unavailable at start.
 */

import { INFO_HASH_WORDS, setInfoHashWords } from "../model/info-hash.ts";
import type { PeerGroups } from "../network/peer-groups.ts";
import { canBePeer } from "../network/special-purpose.ts";
import { Admission } from "../store/admission.ts";
import {
  addDownloaded,
  clearChanged,
  clearFresh,
  firstSeenOf,
  flagsOf,
  hasChanged,
  isFresh,
  lastSeenOf,
  setFirstSeen,
  setLastSeen,
} from "../store/layout/entry.ts";
import { provenKey } from "../store/layout/key.ts";
import { setCounted } from "../store/layout/peer.ts";
import { peerKey } from "../store/peer-key.ts";
import { COUNTS, PutOutcome } from "../store/peer-update.ts";
import { PEERS_PER_HOLD, SHARD_WAIT_MS } from "../store/shard-lock.ts";
import { StoredPeersReader } from "../store/stored-peers.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { SwarmRow } from "./database.ts";

/** How peers are classified and filtered. */
export interface LoadSettings {
  readonly groups: PeerGroups;
  /** Seconds without an announce after which a peer is left out. */
  readonly peerExpiry: number;
  readonly stallSeconds: number;
}

/** The result of loading. */
export class LoadCounts {
  swarms = 0;
  peers = 0;
  /** Peers left out because their last announce is too long ago. */
  expired = 0;
  /** Peers and swarms left out because the store is full. */
  refused = 0;
  /** Rows that could not be decoded. */
  broken = 0;
}

/** Loads swarms, one after the other. */
export class SwarmLoader {
  readonly counts = new LoadCounts();
  readonly #store: SwarmStore;
  readonly #settings: LoadSettings;
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  readonly #admission = new Admission();
  readonly #outcome = new PutOutcome();

  constructor(store: SwarmStore, settings: LoadSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  /**
   * Adds a swarm's stored peers, except those that have announced meanwhile.
   * @param now by the clock of the store's times. @param time by the wall clock. Both in seconds.
   * @returns false when its shard could not be locked, because a worker has crashed: the caller tries again.
   */
  load(row: SwarmRow, now: number, time = now): boolean {
    const store = this.#store;
    setInfoHashWords(this.#infoHash, 0, row.infoHash);
    let reader: StoredPeersReader;
    try {
      reader = new StoredPeersReader(row.peers);
    } catch {
      this.counts.broken++;
      return true;
    }
    const downtime = Math.max(0, time - reader.time);
    const leftOut = this.counts.expired + this.counts.refused;
    const shard = store.shardOf(this.#infoHash);
    for (let more = true; more; ) {
      if (!store.tryEnterShard(shard, SHARD_WAIT_MS.once)) return false;
      const entry = store.find(shard, this.#infoHash) || store.addSwarm(shard, this.#infoHash, row.firstSeen);
      if (entry === 0) {
        this.counts.refused++;
        more = false;
      } else {
        const hadChanged = hasChanged(flagsOf(store.words, entry));
        this.#restoreFacts(entry, row);
        more = this.#loadSome(shard, entry, reader, downtime, now);
        const isWhole = this.counts.expired + this.counts.refused === leftOut;
        // A swarm that is equal to its row is not marked as changed.
        if (isWhole && !hadChanged) clearChanged(store.words, entry);
        if (!more && !store.removeIfEmpty(shard, entry)) this.counts.swarms++;
      }
      store.leave(shard);
    }
    return true;
  }

  #restoreFacts(entry: number, { firstSeen, lastSeen, downloaded }: SwarmRow): void {
    const { words } = this.#store;
    if (!isFresh(flagsOf(words, entry))) return;
    clearFresh(words, entry);
    addDownloaded(words, entry, downloaded);
    setFirstSeen(words, entry, Math.min(firstSeenOf(words, entry), firstSeen));
    setLastSeen(words, entry, Math.max(lastSeenOf(words, entry), lastSeen));
  }

  /** Adds some peers. @returns whether there are more. */
  #loadSome(shard: number, entry: number, reader: StoredPeersReader, downtime: number, now: number): boolean {
    const { groups, peerExpiry, stallSeconds } = this.#settings;
    const store = this.#store;
    const { peer } = reader;
    for (let budget = PEERS_PER_HOLD; budget > 0; budget--) {
      if (!reader.next()) return false;
      const age = peer.age + downtime;
      const { address, port, left } = peer;
      if (age > peerExpiry || !canBePeer(address, port)) {
        this.counts.expired++;
        continue;
      }
      const cell = store.listCell(entry, address.family);
      if (store.list(address.family).find(cell, address.words, port) !== -1) continue;
      const lastSeen = lastSeenOf(store.words, entry);
      const key = peerKey(address, groups.groupOf(address), left === 0);
      this.#admission.set(groups, store.maxPeers, 0);
      const update = {
        address,
        port,
        key: peer.proven ? provenKey(key) : key,
        left,
        identity: 0,
        counts: COUNTS.unknown,
        foreign: true,
        completed: false,
        uploaded: false,
        // Whether the copy is proven is kept; loading proves none.
        minDwell: Number.POSITIVE_INFINITY,
        now: now - age,
        stallSeconds,
        admission: this.#admission,
      };
      const position = store.putPeer(shard, entry, update, this.#outcome);
      setLastSeen(store.words, entry, Math.max(lastSeen, now - age));
      if (position === -1) {
        this.counts.refused++;
        continue;
      }
      this.counts.peers++;
      if (peer.counted) setCounted(store.words, store.list(address.family).wordAAt(cell, position));
    }
    return true;
  }
}
