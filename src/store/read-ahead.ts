/**
 * Reads what a batch of announces will need, before the first of them is handled. In a large tracker, each announce waits
 * for memory that no cache holds: for the head of a bucket, then for the entry, then for the list of peers. Read for one
 * announce after the other, these waits add up; read for all of a batch together, they overlap.
 *
 * The shards are not locked, so what is read may be wrong a moment later. Nothing is decided by it but what is read next,
 * within bounds.
 */
import { readWord } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { chainCell, headCell, listCell } from "./layout/entry.ts";
import { bucketOf, mixHashes, placeOf, shardOfHash } from "./linear-hashing.ts";
import type { SwarmTable } from "./swarm-table.ts";

/** Upper bound of the announces of a batch, a power of two. More are not read ahead. */
const BATCH_MAX = 64;

/** Places for the hashes of a batch. With four times as many as are used, few are overwritten before their use. */
const KNOWN = 4 * BATCH_MAX;

/** Words in one line of the processor's cache, and the lines of a list that are read. */
const LINE_WORDS = 16;
const LIST_LINES = 3;

/** One for each thread. */
export class ReadAhead {
  /** The sum of what was read: without a use, the compiler would leave the reading out. */
  sum = 0;
  readonly #table: SwarmTable;
  readonly #words: Uint32Array;
  readonly #shards: number;
  /** Of each announce of the batch: its hash, and where to read next, 0 for nowhere. */
  readonly #hashes = new Int32Array(BATCH_MAX);
  readonly #at = new Uint32Array(BATCH_MAX);
  #count = 0;
  /** The info-hashes of the last announces, with their hashes, by their lowest bits. */
  readonly #known = new Uint32Array(KNOWN * INFO_HASH_WORDS);
  readonly #knownHashes = new Int32Array(KNOWN);

  constructor(table: SwarmTable, words: Uint32Array, shards: number) {
    this.#table = table;
    this.#words = words;
    this.#shards = shards;
    for (let place = 0; place < KNOWN; place++)
      this.#knownHashes[place] = table.hashOf(this.#known, place * INFO_HASH_WORDS);
  }

  /** Adds an announce of the swarm with the info-hash at `infoHash[at]`, 20 bytes. */
  add(infoHash: Uint8Array, at: number): void {
    if (this.#count === BATCH_MAX) return;
    const known = this.#known;
    const place = placeOf(readWord(infoHash, at), KNOWN);
    const first = place * INFO_HASH_WORDS;
    for (let i = 0; i < INFO_HASH_WORDS; i++) known[first + i] = readWord(infoHash, at + 4 * i);
    const hash = this.#table.hashOf(known, first);
    this.#knownHashes[place] = hash;
    this.#hashes[this.#count++] = hash;
  }

  /** Reads ahead for all announces of the batch, and begins another one. */
  read(): void {
    this.#readHeads();
    this.#readEntries();
    this.#readLists();
    this.#count = 0;
  }

  /** The keyed hash of an info-hash. It is known if the announce belongs to the last batch. */
  hashOf(infoHash: Uint32Array): number {
    const place = placeOf(infoHash[0], KNOWN);
    const known = this.#known;
    const first = place * INFO_HASH_WORDS;
    let same = 0;
    while (same < INFO_HASH_WORDS && known[first + same] === infoHash[same]) same++;
    return same === INFO_HASH_WORDS ? this.#knownHashes[place] : this.#table.hashOf(infoHash, 0);
  }

  #readHeads(): void {
    const words = this.#words;
    const table = this.#table;
    for (let i = 0; i < this.#count; i++) {
      const hash = this.#hashes[i];
      const shard = shardOfHash(hash, this.#shards);
      const count = table.count(shard);
      this.#at[i] = count === 0 ? 0 : words[headCell(table.entryAt(shard, bucketOf(hash, count)))];
    }
  }

  /** Follows the links to the entries; `#at` gets the blocks of their lists. */
  #readEntries(): void {
    const words = this.#words;
    const table = this.#table;
    for (let i = 0; i < this.#count; i++) {
      const link = this.#at[i];
      this.#at[i] = 0;
      const shard = shardOfHash(this.#hashes[i], this.#shards);
      if (link === 0 || link > table.count(shard)) continue;
      const entry = table.entryAt(shard, link - 1);
      this.#at[i] = words[listCell(entry, 4)];
      // Most chains have one entry or two.
      const next = words[chainCell(entry)];
      if (next !== 0 && next <= table.count(shard))
        this.sum = mixHashes(this.sum, words[table.entryAt(shard, next - 1)]);
    }
  }

  #readLists(): void {
    const words = this.#words;
    const end = words.length - LIST_LINES * LINE_WORDS;
    let sum = 0;
    for (let i = 0; i < this.#count; i++) {
      const block = this.#at[i];
      if (block === 0 || block > end) continue;
      for (let line = 0; line < LIST_LINES; line++) sum = mixHashes(sum, words[block + line * LINE_WORDS]);
    }
    this.sum = mixHashes(this.sum, sum);
  }
}
