/** Reads swarms from memory into rows, a few hundred peers at a time: no shard is held for longer. */
import type { Family } from "../model/address.ts";
import { KEPT_HEADER_BYTES, KEPT_PEER_BYTES, writeKeptHeader, writeKeptPeers } from "../store/kept-peers.ts";
import { PEERS_PER_HOLD, SHARD_WAIT_MS } from "../store/shard-lock.ts";
import { SWARM_FLAG } from "../store/swarm-state.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { ENTRY } from "../store/swarm-table.ts";
import { keyOf, type SwarmFacts, type SwarmRow } from "./database.ts";
import { hashBytes } from "./info-hash-bytes.ts";
import type { VanishedSwarms } from "./vanished-swarms.ts";

/** Peers of one family that are kept of a swarm: a row must fit into a packet of a server, 16 MiB. */
const KEPT_PEERS_LIMIT = 300_000;

/** What {@link SwarmReader} has instead of an entry, while its shard cannot be had: it is left for later. */
const BUSY = -1;
const GONE = 0;

/** What is kept of swarms from before they vanished, by their keys; undefined: nothing. */
export type Past = ReadonlyMap<string, SwarmFacts | undefined>;

/** Reads swarms. What has vanished of a shard is taken note of before anything else is read from it. */
export class SwarmReader {
  /** Swarms read with more peers than are kept. */
  cut = 0;
  readonly #store: SwarmStore;
  readonly #vanished: VanishedSwarms;
  /** Swarms that were read in part when their shard could not be had: to be marked as changed again. */
  readonly #unfinished: Uint32Array[] = [];
  #buffer = new Uint8Array(16_384);
  /** The place that the swarm being read has been copied up to, in its lists and in the buffer. */
  #family: Family = 4;
  #position = 0;
  #end = 0;
  #ipv4Peers = 0;

  constructor(store: SwarmStore, vanished: VanishedSwarms) {
    this.#store = store;
    this.#vanished = vanished;
  }

  /** Takes note of all that has vanished. */
  drain(): void {
    const store = this.#store;
    for (let shard = 0; shard < store.shards; shard++) {
      if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) continue;
      this.#vanished.drain(shard);
      store.leave(shard);
    }
  }

  /** Marks as changed again what could not be read to its end. */
  retry(): void {
    for (const infoHash of this.#unfinished.splice(0)) this.touch(infoHash);
  }

  /** Whether a swarm is in memory, or may be: its shard cannot be had. */
  isThere(infoHash: Uint32Array): boolean {
    const { shard, entry } = this.#enter(infoHash);
    if (entry === BUSY) return true;
    this.#store.leave(shard);
    return entry !== GONE;
  }

  /** Whether a swarm is in memory and lacks what is kept of it from before. */
  isFresh(infoHash: Uint32Array): boolean {
    const { shard, entry } = this.#enter(infoHash);
    if (entry === BUSY) return false;
    const fresh = entry !== GONE && (this.#flags(entry) & SWARM_FLAG.fresh) !== 0;
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
    if (entry !== GONE) this.#store.touch(entry);
    this.#store.leave(shard);
  }

  /**
   * Reads a swarm, and takes the mark of a change off it.
   * @param now by the clock of the store's times. @param time by the wall clock. Both in seconds.
   * @param past what is kept of fresh swarms: those that are fresh and not in it are left for later.
   * @returns undefined when it is not there, or left for later.
   */
  read(infoHash: Uint32Array, now: number, time: number, past: Past): SwarmRow | undefined {
    const store = this.#store;
    const bytes = hashBytes(infoHash, 0);
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
    writeKeptHeader(this.#buffer, time, this.#ipv4Peers);
    // A swarm that has just lost its last peer is about to vanish, which its shard's ring will tell.
    if (this.#end === KEPT_HEADER_BYTES) return undefined;
    return { infoHash: bytes, ...facts, peers: this.#buffer.slice(0, this.#end) };
  }

  /** Adds what is kept of a fresh swarm. @returns false when that is not known. */
  #adopt(entry: number, key: string, past: Past): boolean {
    const { words } = this.#store;
    if ((this.#flags(entry) & SWARM_FLAG.fresh) === 0) return true;
    if (!past.has(key)) return false;
    const facts = past.get(key);
    if (facts !== undefined) {
      words[entry + ENTRY.downloaded] += facts.downloaded;
      words[entry + ENTRY.firstSeen] = Math.min(words[entry + ENTRY.firstSeen], facts.firstSeen);
    }
    words[entry + ENTRY.flags] &= ~SWARM_FLAG.fresh;
    return true;
  }

  #begin(entry: number): SwarmFacts {
    const { words } = this.#store;
    this.#store.settle(entry);
    this.#family = 4;
    this.#position = 0;
    this.#end = KEPT_HEADER_BYTES;
    this.#ipv4Peers = 0;
    return {
      firstSeen: words[entry + ENTRY.firstSeen],
      lastSeen: words[entry + ENTRY.lastSeen],
      downloaded: words[entry + ENTRY.downloaded],
    };
  }

  /** Copies some peers. @returns whether there are more. */
  #copySome(entry: number, now: number): boolean {
    const store = this.#store;
    for (let budget = PEERS_PER_HOLD; budget > 0; ) {
      const cell = store.listCell(entry, this.#family);
      const from = this.#position;
      const count = store.list(this.#family).count(cell);
      const end = Math.min(count, KEPT_PEERS_LIMIT);
      const to = Math.min(end, from + budget);
      if (to > from) {
        this.#reserve(this.#end + (to - from) * KEPT_PEER_BYTES[this.#family]);
        this.#end = writeKeptPeers(store, cell, this.#family, from, to, now, this.#buffer, this.#end);
        budget -= to - from;
        this.#position = to;
      }
      if (this.#position < end) continue;
      if (count > end) this.cut++;
      if (this.#family === 6) return false;
      this.#ipv4Peers = (this.#end - KEPT_HEADER_BYTES) / KEPT_PEER_BYTES[4];
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

  /** Locks a swarm's shard, unless that is {@link BUSY}. */
  #enter(infoHash: Uint32Array): { shard: number; entry: number } {
    const store = this.#store;
    const shard = store.shardOf(infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) return { shard, entry: BUSY };
    this.#vanished.drain(shard);
    return { shard, entry: store.find(shard, infoHash) };
  }

  #flags(entry: number): number {
    return this.#store.words[entry + ENTRY.flags];
  }
}
