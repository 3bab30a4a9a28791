/** A copy of the records of one swarm, so that the gate can judge it without a lock. */
import type { Family } from "../model/address.ts";
import { portOf } from "../store/layout/key.ts";
import { ADDRESS_WORDS, wordAOf, wordBAt } from "../store/layout/peer.ts";
import { SHARD_WAIT_MS } from "../store/shard-lock.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { grown8, grown32 } from "./typed-arrays.ts";

/** Records copied before the shard is let go: some microseconds. */
const HOLD = 256;

/** Records of a swarm, at most: swarms with more are not gated. */
const RECORDS_MAX = 262_144;

/** Words of an address in a copy. An IPv4 address is in the first. */
export const COPY_WORDS = 4;

const PORTS = 65_536;

/** What came of reading a swarm. `locked`: its shard was not free in time. */
export type ReadResult = "read" | "absent" | "large" | "locked";

/** Records, used again for one swarm after the other. */
export class SwarmRecords {
  count = 0;
  /** Of each record: {@link COPY_WORDS} of its address; words A and B (layout/key.ts, layout/peer.ts); 4 or 6. */
  addresses = new Uint32Array(1024 * COPY_WORDS);
  wordsA = new Uint32Array(1024);
  wordsB = new Uint32Array(1024);
  families = new Uint8Array(1024);

  /** The port of a record. */
  portAt(i: number): number {
    return portOf(this.wordsA[i]);
  }

  /** Names the endpoint of a record. Two of IPv6 may have one name, by chance. */
  endpointAt(i: number): number {
    const at = i * COPY_WORDS;
    let address = 0;
    for (let w = 0; w < COPY_WORDS; w++) address ^= this.addresses[at + w];
    return (address >>> 0) * PORTS + this.portAt(i);
  }

  /** Forgets all records. */
  clear(): void {
    this.count = 0;
  }

  /** Adds a record with its address at `words[at]`. */
  add(family: Family, words: Uint32Array, at: number, wordA: number, wordB: number): void {
    if (this.count === this.wordsA.length) this.#grow();
    const i = this.count++;
    const own = ADDRESS_WORDS[family];
    for (let w = 0; w < COPY_WORDS; w++) this.addresses[i * COPY_WORDS + w] = w < own ? words[at + w] : 0;
    this.wordsA[i] = wordA;
    this.wordsB[i] = wordB;
    this.families[i] = family;
  }

  /**
   * Copies a swarm. A large one is copied in parts, between which records may move: one may be missing then, or be there
   * twice. What is missing is not closed, and the next look finds it.
   */
  read(store: SwarmStore, infoHash: Uint32Array): ReadResult {
    this.clear();
    for (let family: Family = 4, position = 0; ; ) {
      const shard = store.shardOf(infoHash);
      if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) return "locked";
      const entry = store.find(shard, infoHash);
      if (entry === 0) {
        store.leave(shard);
        return "absent";
      }
      position = this.#readPart(store, entry, family, position);
      if (position === -1 && family === 4) {
        family = 6;
        position = this.#readPart(store, entry, family, 0);
      }
      store.leave(shard);
      if (position === -1) return "read";
      if (this.count >= RECORDS_MAX) return "large";
    }
  }

  /** @returns the next position, or -1 at the end. */
  #readPart(store: SwarmStore, entry: number, family: Family, from: number): number {
    const list = store.list(family);
    const cell = store.listCell(entry, family);
    const count = list.count(cell);
    const end = Math.min(count, from + HOLD);
    for (let position = from; position < end; position++) {
      const record = list.recordAt(cell, position);
      const { words } = store;
      const wordA = wordAOf(record, family);
      this.add(family, words, record, words[wordA], wordBAt(words, wordA));
    }
    return end >= count ? -1 : end;
  }

  #grow(): void {
    const capacity = 2 * this.wordsA.length;
    this.addresses = grown32(this.addresses, capacity * COPY_WORDS);
    this.wordsA = grown32(this.wordsA, capacity);
    this.wordsB = grown32(this.wordsB, capacity);
    this.families = grown8(this.families, capacity);
  }
}
