/**
 * Finds the swarms of each shard by info-hash. The entries (layout/entry.ts) of a shard are numbered from 0 without gaps:
 * the last entry replaces a removed one. The table has a bucket for every entry (linear-hashing.ts).
 */
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { Heap } from "./heap.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { setOwner } from "./layout/block.ts";
import {
  chainCell,
  clearEntry,
  copyEntry,
  entryChunk,
  entryInChunk,
  hasInfoHash,
  headCell,
  isFirstInChunk,
  listCell,
} from "./layout/entry.ts";
import { copyWords } from "./layout/word.ts";
import { bucketOf, parentOf } from "./linear-hashing.ts";

/** The shared memory of the table, in addition to the heap's. */
export interface SwarmTableData {
  /** Swarms of each shard. */
  readonly counts: Uint32Array<SharedArrayBuffer>;
  /** The chunks that hold the entries. Each shard has as many places as the heap has chunks. */
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

  /** Swarms in the shard. */
  count(shard: number): number {
    return this.#counts[shard];
  }

  /** Empties a shard after its memory has been freed. */
  forget(shard: number): void {
    this.#counts[shard] = 0;
  }

  /** The entry with this number. */
  entryAt(shard: number, number: number): number {
    const chunk = this.#chunks[shard * this.#heap.chunkCount + entryChunk(number)];
    return entryInChunk(chunk, number);
  }

  /** The entry of a swarm, or 0. @param hash of the info-hash: {@link hashOf}. */
  find(shard: number, hash: number, infoHash: Uint32Array): number {
    const words = this.#words;
    const count = this.#counts[shard];
    if (count === 0) return 0;
    for (let link = words[headCell(this.entryAt(shard, bucketOf(hash, count)))]; link !== 0; ) {
      const entry = this.entryAt(shard, link - 1);
      if (hasInfoHash(words, entry, infoHash)) return entry;
      link = words[chainCell(entry)];
    }
    return 0;
  }

  /** Adds an empty swarm, which must not exist yet. @returns its entry, or 0 if the heap is full. */
  insert(shard: number, hash: number, infoHash: Uint32Array): number {
    const words = this.#words;
    const number = this.#counts[shard];
    if (isFirstInChunk(number)) {
      const chunk = this.#heap.takeChunk(shard);
      if (chunk === 0) return 0;
      this.#chunks[shard * this.#heap.chunkCount + entryChunk(number)] = chunk;
    }
    const entry = this.entryAt(shard, number);
    clearEntry(words, entry);
    this.#counts[shard] = number + 1;
    if (number > 0) this.#splitBucket(shard, number);
    copyWords(infoHash, 0, words, entry, INFO_HASH_WORDS);
    const head = headCell(this.entryAt(shard, bucketOf(hash, number + 1)));
    words[chainCell(entry)] = words[head];
    words[head] = number + 1;
    return entry;
  }

  /** Removes a swarm, which has no peers. The last swarm gets its number and its place. */
  remove(shard: number, entry: number): void {
    const words = this.#words;
    const last = this.#counts[shard] - 1;
    const link = this.#linkTo(shard, entry);
    const number = words[link] - 1;
    words[link] = words[chainCell(entry)];
    if (last > 0) this.#mergeBucket(shard, last);
    this.#counts[shard] = last;
    if (number !== last) {
      const from = this.entryAt(shard, last);
      words[this.#linkTo(shard, from)] = number + 1;
      copyEntry(words, from, entry);
      this.#adoptList(listCell(entry, 4));
      this.#adoptList(listCell(entry, 6));
    }
    if (isFirstInChunk(last)) {
      this.#heap.releaseChunk(this.#chunks[shard * this.#heap.chunkCount + entryChunk(last)]);
    }
  }

  /** The keyed hash of an info-hash, which determines shard and bucket. Signed. */
  hashOf(words: Uint32Array, at: number): number {
    return this.#hash.hash(words, at, INFO_HASH_WORDS, 0);
  }

  /** Makes the word at `cell` the owner of the block that it refers to, if any. */
  #adoptList(cell: number): void {
    const block = this.#words[cell];
    if (block !== 0) setOwner(this.#words, block, cell);
  }

  /** The word, a head or a chain word, that refers to the entry. */
  #linkTo(shard: number, entry: number): number {
    const words = this.#words;
    let link = headCell(this.entryAt(shard, bucketOf(this.hashOf(words, entry), this.#counts[shard])));
    for (;;) {
      const next = this.entryAt(shard, words[link] - 1);
      if (next === entry) return link;
      link = chainCell(next);
    }
  }

  /** Fills the new bucket `bucket`, the last one, from its parent. */
  #splitBucket(shard: number, bucket: number): void {
    const words = this.#words;
    const head = headCell(this.entryAt(shard, bucket));
    let link = headCell(this.entryAt(shard, parentOf(bucket)));
    while (words[link] !== 0) {
      const entry = this.entryAt(shard, words[link] - 1);
      const chain = chainCell(entry);
      if (bucketOf(this.hashOf(words, entry), bucket + 1) === bucket) {
        const moved = words[link];
        words[link] = words[chain];
        words[chain] = words[head];
        words[head] = moved;
      } else link = chain;
    }
  }

  /** Appends the chain of `bucket`, the last one, to its parent's. */
  #mergeBucket(shard: number, bucket: number): void {
    const words = this.#words;
    let link = headCell(this.entryAt(shard, parentOf(bucket)));
    while (words[link] !== 0) link = chainCell(this.entryAt(shard, words[link] - 1));
    words[link] = words[headCell(this.entryAt(shard, bucket))];
  }
}
