/** Reads swarms from memory into rows. A shard stays locked for a few hundred peers at most. */
import type { Family } from "../model/address.ts";
import { infoHashBytes } from "../model/info-hash.ts";
import {
  addDownloaded,
  clearChanged,
  clearFresh,
  downloadedOf,
  firstSeenOf,
  flagsOf,
  isFresh,
  lastSeenOf,
  setChanged,
  setFirstSeen,
} from "../store/layout/entry.ts";
import { PEERS_PER_HOLD, SHARD_WAIT_MS } from "../store/shard-lock.ts";
import {
  STORED_HEADER_BYTES,
  STORED_PEER_BYTES,
  writeStoredHeader,
  writeStoredPeers,
} from "../store/stored-peers.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { keyOf, type SwarmFacts, type SwarmRow } from "./database.ts";
import type { VanishedSwarms } from "./vanished-swarms.ts";

/** Peers of one family that a row stores. A row must fit into a server's packet of 16 MiB. */
const STORED_PEERS_LIMIT = 300_000;

/** Stands for the entry of a swarm whose shard cannot be locked now: it is read later. */
const BUSY = -1;
const GONE = 0;

/** The stored facts of swarms, by their keys; undefined for a swarm without a row. */
export type Past = ReadonlyMap<string, SwarmFacts | undefined>;

/** Reads swarms. The vanished swarms of a shard are collected before anything else is read from it. */
export class SwarmReader {
  /** Swarms that had more peers than a row stores. */
  cut = 0;
  /** Whether something was left out since this was set to false, because a shard could not be locked. */
  leftOut = false;
  readonly #store: SwarmStore;
  readonly #vanished: VanishedSwarms;
  /** Swarms that were read only in part, because their shard could not be locked: they are marked as changed again. */
  readonly #unfinished: Uint32Array[] = [];
  #buffer = new Uint8Array(16_384);
  /** How far the current swarm is copied: the position in its lists, and the end in the buffer. */
  #family: Family = 4;
  #position = 0;
  #end = 0;
  #ipv4Peers = 0;

  constructor(store: SwarmStore, vanished: VanishedSwarms) {
    this.#store = store;
    this.#vanished = vanished;
  }

  /** Collects the vanished swarms of all shards. */
  drain(): void {
    const store = this.#store;
    for (let shard = 0; shard < store.shards; shard++) {
      if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) {
        this.leftOut = true;
        continue;
      }
      this.#vanished.drain(shard);
      store.leave(shard);
    }
  }

  /** Marks swarms as changed again that were read only in part. */
  retry(): void {
    for (const infoHash of this.#unfinished.splice(0)) this.touch(infoHash);
  }

  /** Whether a swarm is in memory, or may be because its shard cannot be locked. */
  isInMemory(infoHash: Uint32Array): boolean {
    const { shard, entry } = this.#enter(infoHash);
    if (entry === BUSY) return true;
    this.#store.leave(shard);
    return entry !== GONE;
  }

  /** Whether a swarm is in memory, and its stored facts are not yet added. */
  isFresh(infoHash: Uint32Array): boolean {
    const { shard, entry } = this.#enter(infoHash);
    if (entry === BUSY) return false;
    const fresh = entry !== GONE && isFresh(flagsOf(this.#store.words, entry));
    this.#store.leave(shard);
    return fresh;
  }

  /** Marks a swarm as changed, if it is in memory. */
  touch(infoHash: Uint32Array): void {
    const { shard, entry } = this.#enter(infoHash);
    if (entry === BUSY) {
      this.#unfinished.push(infoHash.slice());
      return;
    }
    if (entry !== GONE) setChanged(this.#store.words, entry);
    this.#store.leave(shard);
  }

  /**
   * Reads a swarm, and clears its mark of a change.
   * @param now by the clock of the store's times. @param time by the wall clock. Both in seconds.
   * @param past the stored facts of fresh swarms. Fresh swarms that are not in it are read later.
   * @returns undefined when the swarm is not in memory or is read later.
   */
  read(infoHash: Uint32Array, now: number, time: number, past: Past): SwarmRow | undefined {
    const store = this.#store;
    const bytes = infoHashBytes(infoHash);
    const { shard, entry } = this.#enter(infoHash);
    if (entry === BUSY) return undefined;
    const isReady = entry !== GONE && this.#adopt(entry, keyOf(bytes), past);
    const facts = isReady ? this.#begin(entry) : undefined;
    let more = isReady && this.#copySome(entry, now);
    store.leave(shard);
    if (facts === undefined) return undefined;
    while (more) {
      const again = this.#enter(infoHash);
      if (again.entry === BUSY) {
        this.#unfinished.push(infoHash.slice());
        return undefined;
      }
      more = again.entry !== GONE && this.#copySome(again.entry, now);
      store.leave(again.shard);
    }
    writeStoredHeader(this.#buffer, time, this.#ipv4Peers);
    // A swarm that has just lost its last peer is about to vanish, and will be in the ring of its shard.
    if (this.#end === STORED_HEADER_BYTES) return undefined;
    return { infoHash: bytes, ...facts, peers: this.#buffer.slice(0, this.#end) };
  }

  /** Adds the stored facts of a fresh swarm. @returns false when they are not known. */
  #adopt(entry: number, key: string, past: Past): boolean {
    const { words } = this.#store;
    if (!isFresh(flagsOf(words, entry))) return true;
    if (!past.has(key)) return false;
    const facts = past.get(key);
    if (facts !== undefined) {
      addDownloaded(words, entry, facts.downloaded);
      setFirstSeen(words, entry, Math.min(firstSeenOf(words, entry), facts.firstSeen));
    }
    clearFresh(words, entry);
    return true;
  }

  #begin(entry: number): SwarmFacts {
    const { words } = this.#store;
    clearChanged(words, entry);
    this.#family = 4;
    this.#position = 0;
    this.#end = STORED_HEADER_BYTES;
    this.#ipv4Peers = 0;
    return {
      firstSeen: firstSeenOf(words, entry),
      lastSeen: lastSeenOf(words, entry),
      downloaded: downloadedOf(words, entry),
    };
  }

  /** Copies some peers. @returns whether there are more. */
  #copySome(entry: number, now: number): boolean {
    const store = this.#store;
    for (let budget = PEERS_PER_HOLD; budget > 0; ) {
      const cell = store.listCell(entry, this.#family);
      const from = this.#position;
      const count = store.list(this.#family).count(cell);
      const end = Math.min(count, STORED_PEERS_LIMIT);
      const to = Math.min(end, from + budget);
      if (to > from) {
        this.#reserve(this.#end + (to - from) * STORED_PEER_BYTES[this.#family]);
        const range = { cell, family: this.#family, from, to };
        this.#end = writeStoredPeers(store, range, now, this.#buffer, this.#end);
        budget -= to - from;
        this.#position = to;
      }
      if (this.#position < end) continue;
      if (count > end) this.cut++;
      if (this.#family === 6) return false;
      this.#ipv4Peers = (this.#end - STORED_HEADER_BYTES) / STORED_PEER_BYTES[4];
      this.#family = 6;
      this.#position = 0;
    }
    return true;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#buffer.length));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  /** Locks a swarm's shard and finds its entry: {@link BUSY} when the shard cannot be locked, and then it is not. */
  #enter(infoHash: Uint32Array): { shard: number; entry: number } {
    const store = this.#store;
    const shard = store.shardOf(infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) {
      this.leftOut = true;
      return { shard, entry: BUSY };
    }
    this.#vanished.drain(shard);
    return { shard, entry: store.find(shard, infoHash) };
  }
}
