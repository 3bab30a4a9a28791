/**
 * All swarms and their peers, in memory that all workers share (store-memory.ts). A keyed hash of the info-hash chooses a
 * shard. A shard is locked while it is used, for microseconds.
 */
import type { Family } from "../model/address.ts";
import { REFUSED_ADDRESS, REFUSED_FULL } from "./admission.ts";
import { ChangeLog } from "./change-log.ts";
import { ClientIdentities } from "./client-identity.ts";
import { ClientPair, ClientPairs, remainsCounted } from "./client-pairs.ts";
import { Heap } from "./heap.ts";
import { ADMIT, HouseholdLimits, REFUSE } from "./household-limits.ts";
import { KeyedHash } from "./keyed-hash.ts";
import {
  addDownloaded,
  beginSwarm,
  completeCount,
  duplicateCount,
  flagsOf,
  learnedCount,
  listCell,
  setChanged,
  setLastSeen,
} from "./layout/entry.ts";
import {
  duplicateKey,
  flippedMark,
  isLearned,
  keyOf,
  packPort,
  withForeign,
  withIdentity,
  withKey,
} from "./layout/key.ts";
import { listCount } from "./layout/list.ts";
import { ADDRESS_WORDS, isCounted, RECORD_WORDS, setWordB, wordAOf, wordBAt } from "./layout/peer.ts";
import { copyWords } from "./layout/word.ts";
import { shardOfHash } from "./linear-hashing.ts";
import { PeerList } from "./peer-list.ts";
import type { Newcomer, PeerUpdate, PutOutcome } from "./peer-update.ts";
import { keyFor, leecherState, noteBefore, seederState } from "./peer-update.ts";
import { lock, tryLock, unlock } from "./shard-lock.ts";
import { LOCK_STRIDE, type SwarmStoreData, TOTAL } from "./store-memory.ts";
import { countKind } from "./swarm-state.ts";
import { SwarmTable } from "./swarm-table.ts";
import { TrafficTable } from "./traffic-table.ts";

/**
 * A thread's view of the store. Between {@link enter} and {@link leave} the caller holds the shard. Entries and positions
 * are valid only then, and positions only until the next change.
 */
export class SwarmStore {
  readonly shards: number;
  readonly words: Uint32Array<SharedArrayBuffer>;
  /** The swarms that vanished. The caller holds the shard. */
  readonly vanished: ChangeLog;
  /** The sums of bytes that clients reported last. The caller holds the shard. */
  readonly traffic: TrafficTable;
  readonly identities: ClientIdentities;
  /** The limits of households. The caller holds the shard. */
  readonly limits: HouseholdLimits;
  /** The maximum of peers. */
  readonly maxPeers: number;
  /** The keyed hash of the info-hash that a shard was last entered for, signed. */
  swarmHash = 0;
  readonly #locks: Int32Array<SharedArrayBuffer>;
  readonly #totals: Int32Array<SharedArrayBuffer>;
  readonly #peers: Int32Array<SharedArrayBuffer>;
  readonly #learned: Int32Array<SharedArrayBuffer>;
  readonly #holder: number;
  readonly #table: SwarmTable;
  readonly #ipv4: PeerList;
  readonly #ipv6: PeerList;
  readonly #pairs: ClientPairs;
  readonly #pair = new ClientPair();
  /** A record under construction. */
  readonly #record = new Uint32Array(RECORD_WORDS[6]);

  /** @param holder the thread's number as a holder of locks; different for every thread (shard-lock.ts). */
  constructor(data: SwarmStoreData, holder: number) {
    const heap = new Heap(data.heap, holder);
    const hash = new KeyedHash(data.hashKey[0], data.hashKey[1]);
    this.shards = data.shards;
    this.words = heap.words;
    this.maxPeers = data.maxPeers;
    ({ locks: this.#locks, totals: this.#totals, peers: this.#peers, learned: this.#learned } = data);
    this.#holder = holder;
    this.#table = new SwarmTable(data.table, heap, hash);
    this.#ipv4 = new PeerList(heap, 4, hash);
    this.#ipv6 = new PeerList(heap, 6, hash);
    this.limits = new HouseholdLimits(data, hash);
    this.#pairs = new ClientPairs(heap.words, this.#ipv4, this.#ipv6);
    this.vanished = new ChangeLog(data.changes);
    this.identities = new ClientIdentities(hash);
    this.traffic = new TrafficTable(data, hash);
  }

  /** Peers in all shards. */
  get peerCount(): number {
    return Atomics.load(this.#totals, TOTAL.peers);
  }

  /** Swarms in all shards. */
  get swarmCount(): number {
    return Atomics.load(this.#totals, TOTAL.swarms);
  }

  /** Locks the shard of an info-hash. @returns the shard, for {@link leave}. */
  enter(infoHash: Uint32Array): number {
    const shard = this.shardOf(infoHash);
    this.enterShard(shard);
    return shard;
  }

  /** The shard of an info-hash, without locking it. */
  shardOf(infoHash: Uint32Array): number {
    this.swarmHash = this.#table.hashOf(infoHash, 0);
    return shardOfHash(this.swarmHash, this.shards);
  }

  /** Locks a shard. */
  enterShard(shard: number): void {
    lock(this.#locks, shard * LOCK_STRIDE, this.#holder);
  }

  /**
   * Locks a shard, if that takes `waitMs` at most. The control plane must not wait longer: it must release the shard if
   * the holder has crashed. @returns whether the shard was locked.
   */
  tryEnterShard(shard: number, waitMs: number): boolean {
    return tryLock(this.#locks, shard * LOCK_STRIDE, this.#holder, waitMs);
  }

  /**
   * Unlocks a shard. Must not be called after an exception: the shard may be half changed (shard-lock.ts).
   * @returns whether another thread slept until then.
   */
  leave(shard: number): boolean {
    return unlock(this.#locks, shard * LOCK_STRIDE);
  }

  /** Operations on the lists of one family. {@link listCell} names the list of a swarm. */
  list(family: Family): PeerList {
    return family === 4 ? this.#ipv4 : this.#ipv6;
  }

  /** The cell of a swarm's list. */
  listCell(entry: number, family: Family): number {
    return listCell(entry, family);
  }

  /** Swarms in a shard, numbered from 0. */
  swarmsIn(shard: number): number {
    return this.#table.count(shard);
  }

  /** The entry of the swarm with this number. When a swarm is removed, the last one gets its number. */
  swarmAt(shard: number, number: number): number {
    return this.#table.entryAt(shard, number);
  }

  /** The entry of the swarm whose info-hash the shard was entered for, or 0. */
  find(shard: number, infoHash: Uint32Array): number {
    return this.#table.find(shard, this.swarmHash, infoHash);
  }

  /** Adds a swarm that {@link find} did not find. @returns its entry, or 0 if the memory is full. */
  addSwarm(shard: number, infoHash: Uint32Array, now: number): number {
    const entry = this.#table.insert(shard, this.swarmHash, infoHash);
    if (entry === 0) return 0;
    beginSwarm(this.words, entry, now);
    Atomics.add(this.#totals, TOTAL.swarms, 1);
    return entry;
  }

  /** Complete clients of a swarm. Learned peers are not counted. */
  complete(entry: number): number {
    return completeCount(this.words, entry);
  }

  /** Incomplete clients of a swarm. Learned peers are not counted. */
  incomplete(entry: number): number {
    return this.announced(entry) - completeCount(this.words, entry) - duplicateCount(this.words, entry);
  }

  /** Announced peers of a swarm, including duplicates. */
  announced(entry: number): number {
    const peers = this.#ipv4.count(this.listCell(entry, 4)) + this.#ipv6.count(this.listCell(entry, 6));
    return peers - learnedCount(this.words, entry);
  }

  /**
   * Stores what a peer announced.
   * @param outcome receives what was known of the peer, and whether and why it was refused.
   * @returns its position in the list of its family, or -1 if it is new and was refused.
   */
  putPeer(shard: number, entry: number, update: PeerUpdate, outcome: PutOutcome): number {
    const { words } = this;
    const { address, left, now } = update;
    const { family } = address;
    outcome.clear();
    const list = this.list(family);
    const cell = this.listCell(entry, family);
    let position = list.find(cell, address.words, update.port);
    // The place of its word A, or 0.
    let at = position === -1 ? 0 : list.wordAAt(cell, position);
    const isAlone = listCount(words, this.listCell(entry, family === 4 ? 6 : 4)) === 0;
    if (at === 0 || !isAlone || !remainsCounted(update, words[at] | 0, wordBAt(words, at))) {
      position = this.#decidePair(shard, entry, update, position, outcome);
      at = position === -1 ? 0 : list.wordAAt(cell, position);
      // A learned peer that announces is handled like a new one.
      if (at !== 0 && isLearned(words[at])) {
        this.removePeer(shard, entry, family, position);
        at = 0;
      }
    }
    const oldA = at === 0 ? 0 : words[at] | 0;
    const old = keyOf(oldA);
    const before = at === 0 ? 0 : wordBAt(words, at);
    const key = keyFor(update, outcome.duplicate ? duplicateKey(update.key) : update.key, old, before);
    const state = noteBefore(outcome, update, key, oldA, before);
    if (at === 0) position = this.#addPeer(shard, entry, update, key, outcome);
    else if (old !== key) position = this.rekeyPeer(shard, entry, family, position, key);
    if (position === -1) return -1;
    if (at === 0 || old !== key) at = list.wordAAt(cell, position);
    words[at] = withForeign(withIdentity(words[at], update.identity), update.foreign);
    const flags = flagsOf(words, entry);
    const next =
      left === 0 ? seederState(update, state, key) : leecherState(update, state, key, flags, outcome);
    const completes = left === 0 && isCounted(next) && !isCounted(state);
    if (completes && !outcome.duplicate) addDownloaded(words, entry, 1);
    setWordB(words, at, next);
    setLastSeen(words, entry, now);
    setChanged(words, entry);
    return position;
  }

  /** Decides which records of a client are duplicates (client-pairs.ts). @returns the position, which may have changed. */
  #decidePair(
    shard: number,
    entry: number,
    update: PeerUpdate,
    position: number,
    outcome: PutOutcome,
  ): number {
    const pair = this.#pair;
    this.#pairs.decide(this.listCell(entry, 4), this.listCell(entry, 6), update, position, pair);
    outcome.duplicate = pair.duplicate;
    outcome.other = pair.other;
    if (pair.silent === -1) return position;
    const { family, words } = update.address;
    const list = this.list(pair.silentFamily);
    const cell = this.listCell(entry, pair.silentFamily);
    const key = keyOf(this.words[list.wordAAt(cell, pair.silent)]);
    const moved = this.rekeyPeer(shard, entry, pair.silentFamily, pair.silent, duplicateKey(key));
    if (pair.silentFamily !== family) outcome.other = moved;
    return pair.silentFamily === family && position !== -1 ? list.find(cell, words, update.port) : position;
  }

  /** Changes the key of a peer. @returns its new position, or -1 if the memory is full: the peer is then removed. */
  rekeyPeer(shard: number, entry: number, family: Family, position: number, key: number): number {
    const list = this.list(family);
    const cell = this.listCell(entry, family);
    const wordA = wordAOf(0, family);
    copyWords(this.words, list.recordAt(cell, position), this.#record, 0, RECORD_WORDS[family]);
    const old = keyOf(this.#record[wordA]);
    this.#record[wordA] = withKey(this.#record[wordA], key);
    list.remove(shard, cell, position);
    const moved = list.insert(shard, cell, this.#record, 0);
    this.#countKind(shard, entry, old, -1);
    if (moved === -1) {
      this.#countPeer(shard, -1);
      this.limits.count(shard, family, this.#record, 0, old, -1);
    } else {
      this.#countKind(shard, entry, key, 1);
    }
    return moved;
  }

  /** Marks a peer for the selection policy, or removes its mark. @returns its new position, like {@link rekeyPeer}. */
  flipMark(shard: number, entry: number, family: Family, position: number): number {
    const wordA = this.list(family).wordAAt(this.listCell(entry, family), position);
    return this.rekeyPeer(shard, entry, family, position, flippedMark(keyOf(this.words[wordA])));
  }

  /** Removes the peer at `position`. The swarm stays, even if it has no peers: see {@link removeIfEmpty}. */
  removePeer(shard: number, entry: number, family: Family, position: number): void {
    const list = this.list(family);
    const cell = this.listCell(entry, family);
    const record = list.recordAt(cell, position);
    const key = keyOf(this.words[wordAOf(record, family)]);
    this.limits.count(shard, family, this.words, record, key, -1);
    this.#countKind(shard, entry, key, -1);
    list.remove(shard, cell, position);
    this.#countPeer(shard, -1);
    if (!isLearned(key)) setChanged(this.words, entry);
  }

  /**
   * Removes a swarm that has no announced peers, together with its learned peers. They are learned again when the swarm
   * is announced again. @returns whether the swarm was removed.
   */
  removeIfEmpty(shard: number, entry: number): boolean {
    if (this.announced(entry) > 0) return false;
    const learned = learnedCount(this.words, entry);
    if (learned > 0) {
      this.limits.clearLearned(shard, this.words, 4, this.#ipv4, this.listCell(entry, 4));
      this.limits.clearLearned(shard, this.words, 6, this.#ipv6, this.listCell(entry, 6));
      this.#learned[shard] -= learned;
      this.#countPeer(shard, -learned);
    }
    this.vanished.append(shard, this.words, entry);
    this.#table.remove(shard, entry);
    Atomics.sub(this.#totals, TOTAL.swarms, 1);
    return true;
  }

  /**
   * Stores a learned peer. Its address and port must not be known yet.
   * @param peer its key is that of a learned peer.
   * @param state word B of a learned peer (layout/peer.ts).
   * @param outcome receives whether and why it was refused.
   * @returns its position, or -1 if it was refused.
   */
  addLearned(shard: number, entry: number, peer: Newcomer, state: number, outcome: PutOutcome): number {
    const { family } = peer.address;
    const position = this.#addPeer(shard, entry, peer, peer.key, outcome);
    if (position === -1) return -1;
    setWordB(this.words, this.list(family).wordAAt(this.listCell(entry, family), position), state);
    return position;
  }

  /** Learned peers in a shard. */
  learnedIn(shard: number): number {
    return this.#learned[shard];
  }

  /** Adds a new peer. @param key under which it is stored. @returns its position, or -1 if it was refused. */
  #addPeer(shard: number, entry: number, newcomer: Newcomer, key: number, outcome: PutOutcome): number {
    const { address, port, admission } = newcomer;
    const { limits } = this;
    const list = this.list(address.family);
    const cell = this.listCell(entry, address.family);
    const decision = limits.decide(shard, list, cell, newcomer);
    if (decision === REFUSE) {
      outcome.refused = REFUSED_ADDRESS;
      return -1;
    }
    if (decision !== ADMIT) {
      this.removePeer(shard, entry, address.family, decision);
      outcome.displaced = true;
    }
    if (this.#countPeer(shard, 1) >= admission.roomFor(key)) {
      this.#countPeer(shard, -1);
      outcome.refused = REFUSED_FULL;
      return -1;
    }
    const wordA = wordAOf(0, address.family);
    copyWords(address.words, 0, this.#record, 0, ADDRESS_WORDS[address.family]);
    this.#record[wordA] = packPort(port, key);
    const position = list.insert(shard, cell, this.#record, 0);
    if (position === -1) {
      this.#countPeer(shard, -1);
      outcome.refused = REFUSED_FULL;
      return -1;
    }
    limits.count(shard, address.family, this.#record, 0, key, 1);
    this.#countKind(shard, entry, key, 1);
    return position;
  }

  /**
   * Empties a shard after its memory has been freed. The caller holds the shard.
   * @returns the number of peers that it had.
   */
  forgetShard(shard: number): number {
    const peers = this.#peers[shard];
    Atomics.sub(this.#totals, TOTAL.peers, peers);
    Atomics.sub(this.#totals, TOTAL.swarms, this.swarmsIn(shard));
    this.#peers[shard] = 0;
    this.#learned[shard] = 0;
    this.limits.forget(shard);
    this.#table.forget(shard);
    this.vanished.skip(shard);
    return peers;
  }

  /** Counts added or removed peers. @returns the number of peers in all shards before. */
  #countPeer(shard: number, by: number): number {
    this.#peers[shard] += by;
    return Atomics.add(this.#totals, TOTAL.peers, by);
  }

  /** Counts an added or removed peer with this key as learned, as a duplicate, or as complete. */
  #countKind(shard: number, entry: number, key: number, by: 1 | -1): void {
    if (isLearned(key)) this.#learned[shard] += by;
    countKind(this.words, entry, key, by);
  }
}
