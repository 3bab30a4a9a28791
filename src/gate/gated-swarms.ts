/** The swarms that are gated, by info-hash and home: a hash table in typed arrays. */
import { INFO_HASH_WORDS, infoHashBytes } from "../model/info-hash.ts";
import { BridgeMemory } from "./bridge-memory.ts";
import { grown8, grown32, grownSigned } from "./typed-arrays.ts";

const NONE = -1;
const FIRST_CAPACITY = 256;

/** The rows of one gate. */
export class GatedSwarms {
  size = 0;
  /** Rows below this may be free: their home is 0. */
  end = 0;
  /** Of each row: its home; downloaders there, 0 as long as it is not gated; the first of its items (gate-tables.ts), or -1. */
  homes = new Uint32Array(FIRST_CAPACITY);
  leechers = new Uint32Array(FIRST_CAPACITY);
  heads = new Int32Array(FIRST_CAPACITY);
  /** A number that stands for the items of a row; 0: none. */
  digests = new Int32Array(FIRST_CAPACITY);
  /** Of each row: a bit for each of the first eight tiers whose newcomers are closed, unless they are marked. */
  settledTiers = new Uint8Array(FIRST_CAPACITY);
  /** Of each row: the round in which it was looked at last, modulo 256. */
  rounds = new Uint8Array(FIRST_CAPACITY);
  /** Of each row: what is remembered of its bridges while it is gated. */
  readonly bridges: BridgeMemory[] = [];
  readonly #hashOf: (infoHash: Uint32Array) => number;
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  #words = new Uint32Array(FIRST_CAPACITY * INFO_HASH_WORDS);
  #next = new Int32Array(FIRST_CAPACITY);
  #buckets = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #free = NONE;

  /** @param hashOf the keyed hash of an info-hash, by which the others name a swarm. */
  constructor(hashOf: (infoHash: Uint32Array) => number) {
    this.#hashOf = hashOf;
  }

  /** The row of a swarm and home, or -1. @param hash of its info-hash. */
  find(hash: number, infoHash: Uint32Array, home: number): number {
    let row = this.#buckets[hash & (this.#buckets.length - 1)];
    while (row !== NONE && !(this.homes[row] === home && this.#isAt(row, infoHash))) row = this.#next[row];
    return row;
  }

  /** Whether the swarm of a row, or of -1, is gated in its home. */
  isGated(row: number): boolean {
    return row !== NONE && this.leechers[row] !== 0;
  }

  /** Adds a swarm that is not there. */
  add(infoHash: Uint32Array, home: number): number {
    if (this.#free === NONE && this.end === this.homes.length) this.#grow();
    let row = this.#free;
    if (row === NONE) row = this.end++;
    else this.#free = this.#next[row];
    for (let i = 0; i < INFO_HASH_WORDS; i++) this.#words[row * INFO_HASH_WORDS + i] = infoHash[i];
    this.homes[row] = home;
    this.leechers[row] = 0;
    this.heads[row] = NONE;
    this.digests[row] = 0;
    this.settledTiers[row] = 0;
    this.bridges[row] = new BridgeMemory();
    this.#link(row);
    this.size++;
    return row;
  }

  /** Releases a row that has no items any more. */
  release(row: number): void {
    const bucket = this.#bucketOf(row);
    let at = this.#buckets[bucket];
    if (at === row) this.#buckets[bucket] = this.#next[row];
    else {
      while (this.#next[at] !== row) at = this.#next[at];
      this.#next[at] = this.#next[row];
    }
    this.homes[row] = 0;
    this.#next[row] = this.#free;
    this.#free = row;
    this.size--;
  }

  /** Copies the info-hash of a row. */
  copyInfoHash(row: number, to: Uint32Array): void {
    for (let i = 0; i < INFO_HASH_WORDS; i++) to[i] = this.#words[row * INFO_HASH_WORDS + i];
  }

  /** The info-hash of a row: 40 hexadecimal digits. */
  infoHashText(row: number): string {
    return Buffer.from(infoHashBytes(this.#words, row * INFO_HASH_WORDS)).toString("hex");
  }

  #isAt(row: number, infoHash: Uint32Array): boolean {
    for (let i = 0; i < INFO_HASH_WORDS; i++)
      if (this.#words[row * INFO_HASH_WORDS + i] !== infoHash[i]) return false;
    return true;
  }

  #bucketOf(row: number): number {
    this.copyInfoHash(row, this.#infoHash);
    return this.#hashOf(this.#infoHash) & (this.#buckets.length - 1);
  }

  #link(row: number): void {
    const bucket = this.#bucketOf(row);
    this.#next[row] = this.#buckets[bucket];
    this.#buckets[bucket] = row;
  }

  #grow(): void {
    const capacity = 2 * this.homes.length;
    this.homes = grown32(this.homes, capacity);
    this.leechers = grown32(this.leechers, capacity);
    this.heads = grownSigned(this.heads, capacity);
    this.digests = grownSigned(this.digests, capacity);
    this.rounds = grown8(this.rounds, capacity);
    this.settledTiers = grown8(this.settledTiers, capacity);
    this.#words = grown32(this.#words, capacity * INFO_HASH_WORDS);
    this.#next = grownSigned(this.#next, capacity);
    this.#buckets = new Int32Array(capacity).fill(NONE);
    for (let row = 0; row < this.end; row++) this.#link(row);
  }
}
