/**
 * The swarms of every shard, found by info-hash. A swarm is an entry of 16 words, one line of the processor's cache:
 *
 *     0–4    info-hash                                5       chain
 *     6      head of the bucket with this entry's number, no part of the swarm
 *     7, 8   IPv4 list: reference, peers              9, 10   IPv6 list (the number of peers: list-count.ts)
 *     11     what swarm-state.ts says                 12      downloaded
 *     13     first announce, 14 last (seconds)        15      what swarm-state.ts says
 *
 * Entries of a shard are numbered from 0 without gaps: a removed one is replaced by the last. There is a bucket for
 * every entry (linear hashing). Chain and head words hold an entry's number + 1; 0 ends a chain.
 */
import type { Family } from "../model/address.ts";
import { CHUNK_WORDS, type Heap } from "./heap.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { bucketOf, parentOf } from "./linear-hashing.ts";

const CHAIN = 5;
const HEAD = 6;
const LIST4 = 7;
const LIST6 = 9;

/** Offsets of an entry's words for the store. */
export const ENTRY = {
  peers4: LIST4 + 1,
  peers6: LIST6 + 1,
  complete: 11,
  downloaded: 12,
  firstSeen: 13,
  lastSeen: 14,
  flags: 15,
} as const;

const ENTRY_SHIFT = 4;
/** Words of an entry. */
export const ENTRY_WORDS = 1 << ENTRY_SHIFT;
const CHUNK_SHIFT = 9;
const ENTRIES_PER_CHUNK = CHUNK_WORDS / ENTRY_WORDS;

/** The table's shared memory, beside the heap's. */
export interface SwarmTableData {
  /** Swarms of each shard. */
  readonly counts: Uint32Array<SharedArrayBuffer>;
  /** The chunks that hold them: for every shard as many places as the heap has chunks. */
  readonly chunks: Uint32Array<SharedArrayBuffer>;
}

/** Allocates empty tables. */
export function allocateSwarmTable(shards: number, heapChunks: number): SwarmTableData {
  return {
    counts: new Uint32Array(new SharedArrayBuffer(shards * 4)),
    chunks: new Uint32Array(new SharedArrayBuffer(shards * heapChunks * 4)),
  };
}

/** A thread's view of the tables. Callers hold the lock of the shard they name. Entries are named by their first word. */
export class SwarmTable {
  readonly #heap: Heap;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #counts: Uint32Array<SharedArrayBuffer>;
  readonly #chunks: Uint32Array<SharedArrayBuffer>;
  readonly #hash: KeyedHash;

  constructor(data: SwarmTableData, heap: Heap, hash: KeyedHash) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#counts = data.counts;
    this.#chunks = data.chunks;
    this.#hash = hash;
  }

  /** The cell that names the swarm's list of one family. */
  static listCell(entry: number, family: Family): number {
    return entry + (family === 4 ? LIST4 : LIST6);
  }

  /** Swarms in the shard. */
  count(shard: number): number {
    return this.#counts[shard];
  }

  /** Forgets the shard's swarms, whose memory has been taken away. */
  forget(shard: number): void {
    this.#counts[shard] = 0;
  }

  /** The entry with this number. */
  entryAt(shard: number, number: number): number {
    const chunk = this.#chunks[shard * this.#heap.chunkCount + (number >>> CHUNK_SHIFT)];
    return chunk * CHUNK_WORDS + ((number & (ENTRIES_PER_CHUNK - 1)) << ENTRY_SHIFT);
  }

  /** The entry of a swarm, or 0. @param hash of the info-hash, as {@link hashOf} gives it. */
  find(shard: number, hash: number, infoHash: Uint32Array): number {
    const words = this.#words;
    const count = this.#counts[shard];
    if (count === 0) return 0;
    for (let link = words[this.entryAt(shard, bucketOf(hash, count)) + HEAD]; link !== 0; ) {
      const entry = this.entryAt(shard, link - 1);
      let same = 0;
      while (same < 5 && words[entry + same] === infoHash[same]) same++;
      if (same === 5) return entry;
      link = words[entry + CHAIN];
    }
    return 0;
  }

  /** Adds a swarm that is not there yet, with nothing in it. @returns its entry, or 0 when the heap is full. */
  insert(shard: number, hash: number, infoHash: Uint32Array): number {
    const words = this.#words;
    const number = this.#counts[shard];
    if ((number & (ENTRIES_PER_CHUNK - 1)) === 0) {
      const chunk = this.#heap.takeChunk(shard);
      if (chunk === 0) return 0;
      this.#chunks[shard * this.#heap.chunkCount + (number >>> CHUNK_SHIFT)] = chunk;
    }
    const entry = this.entryAt(shard, number);
    words.fill(0, entry, entry + ENTRY_WORDS);
    this.#counts[shard] = number + 1;
    if (number > 0) this.#splitBucket(shard, number);
    for (let i = 0; i < 5; i++) words[entry + i] = infoHash[i];
    const head = this.entryAt(shard, bucketOf(hash, number + 1)) + HEAD;
    words[entry + CHAIN] = words[head];
    words[head] = number + 1;
    return entry;
  }

  /** Removes a swarm, which has no peers; the last one takes its number, and its place. */
  remove(shard: number, entry: number): void {
    const words = this.#words;
    const last = this.#counts[shard] - 1;
    const link = this.#linkTo(shard, entry);
    const number = words[link] - 1;
    words[link] = words[entry + CHAIN];
    if (last > 0) this.#mergeBucket(shard, last);
    this.#counts[shard] = last;
    if (number !== last) {
      const from = this.entryAt(shard, last);
      words[this.#linkTo(shard, from)] = number + 1;
      for (let i = 0; i < ENTRY_WORDS; i++) if (i !== HEAD) words[entry + i] = words[from + i];
      for (let list = LIST4; list <= LIST6; list += 2) {
        if (words[entry + list] !== 0) this.#heap.setOwner(words[entry + list], entry + list);
      }
    }
    if ((last & (ENTRIES_PER_CHUNK - 1)) === 0) {
      this.#heap.releaseChunk(this.#chunks[shard * this.#heap.chunkCount + (last >>> CHUNK_SHIFT)]);
    }
  }

  /** The hash that places a swarm. */
  hashOf(words: Uint32Array, at: number): number {
    return this.#hash.hash(words, at, 5, 0);
  }

  /** The word, a head or a chain word, that refers to the entry. */
  #linkTo(shard: number, entry: number): number {
    const words = this.#words;
    let link = this.entryAt(shard, bucketOf(this.hashOf(words, entry), this.#counts[shard])) + HEAD;
    for (;;) {
      const next = this.entryAt(shard, words[link] - 1);
      if (next === entry) return link;
      link = next + CHAIN;
    }
  }

  /** Fills the new bucket `bucket`, the last one, from its parent. */
  #splitBucket(shard: number, bucket: number): void {
    const words = this.#words;
    const head = this.entryAt(shard, bucket) + HEAD;
    let link = this.entryAt(shard, parentOf(bucket)) + HEAD;
    while (words[link] !== 0) {
      const entry = this.entryAt(shard, words[link] - 1);
      const chain = entry + CHAIN;
      if (bucketOf(this.hashOf(words, entry), bucket + 1) === bucket) {
        const moved = words[link];
        words[link] = words[chain];
        words[chain] = words[head];
        words[head] = moved;
      } else link = chain;
    }
  }

  /** Hands the chain of `bucket`, the last one, back to its parent. */
  #mergeBucket(shard: number, bucket: number): void {
    const words = this.#words;
    let link = this.entryAt(shard, parentOf(bucket)) + HEAD;
    while (words[link] !== 0) link = this.entryAt(shard, words[link] - 1) + CHAIN;
    words[link] = words[this.entryAt(shard, bucket) + HEAD];
  }
}
