/**
 * A hash table of addresses and ports in typed arrays: a million of them take tens of megabytes. Rows are numbered, and
 * keep their number until they are released. Port 0 stands for the address itself.
 */
import { Address, type Family } from "../model/address.ts";
import { formatAddress } from "../model/address-text.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import { ADDRESS_WORDS } from "../store/layout/peer.ts";
import { COPY_WORDS } from "./swarm-records.ts";
import { grown8, grown32, grownSigned } from "./typed-arrays.ts";

const NONE = -1;
const FIRST_CAPACITY = 1024;
const PORT_SHIFT = 8;

/** The rows of one gate. */
export class AddressTable {
  /** Rows in use. Rows below {@link end} may be free: `tags` is 0 then. */
  size = 0;
  end = 0;
  /** Rows in use with a port. */
  endpoints = 0;
  /** Of each row: records of it that are closed, in all swarms; swarms that refuse it (of an address). */
  counts = new Int32Array(FIRST_CAPACITY);
  pairs = new Int32Array(FIRST_CAPACITY);
  /** The row of its address; of an outside endpoint {@link NO_HOST}. */
  hosts = new Int32Array(FIRST_CAPACITY);
  /** Whose meaning is the user's. */
  flags = new Uint8Array(FIRST_CAPACITY);
  readonly #hash: KeyedHash;
  #words = new Uint32Array(FIRST_CAPACITY * COPY_WORDS);
  /** Port and family; 0 of a free row. */
  #tags = new Uint32Array(FIRST_CAPACITY);
  /** The next row of the same bucket, or the next free row. */
  #next = new Int32Array(FIRST_CAPACITY);
  #buckets = new Int32Array(FIRST_CAPACITY).fill(NONE);
  #free = NONE;
  readonly #address = new Address();

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  /** The row of an endpoint whose address is at `words[at]`, or -1. */
  find(family: Family, words: Uint32Array, at: number, port: number): number {
    const tag = (port << PORT_SHIFT) | family;
    let row = this.#buckets[this.#bucketOf(family, words, at, tag)];
    while (row !== NONE && !this.#isAt(row, tag, words, at)) row = this.#next[row];
    return row;
  }

  /** The row of an endpoint, which is added if it is not there. */
  put(family: Family, words: Uint32Array, at: number, port: number): number {
    const found = this.find(family, words, at, port);
    if (found !== NONE) return found;
    if (this.#free === NONE && this.end === this.#tags.length) this.#grow();
    let row = this.#free;
    if (row === NONE) row = this.end++;
    else this.#free = this.#next[row];
    for (let i = 0; i < COPY_WORDS; i++)
      this.#words[row * COPY_WORDS + i] = i < ADDRESS_WORDS[family] ? words[at + i] : 0;
    this.#tags[row] = (port << PORT_SHIFT) | family;
    this.counts[row] = 0;
    this.pairs[row] = 0;
    this.hosts[row] = NONE;
    this.flags[row] = 0;
    this.#link(row);
    this.size++;
    if (port > 0) this.endpoints++;
    return row;
  }

  /** Releases a row: its number is used again. */
  release(row: number): void {
    const bucket = this.#bucketOfRow(row);
    let at = this.#buckets[bucket];
    if (at === row) this.#buckets[bucket] = this.#next[row];
    else {
      while (this.#next[at] !== row) at = this.#next[at];
      this.#next[at] = this.#next[row];
    }
    if (this.portAt(row) > 0) this.endpoints--;
    this.#tags[row] = 0;
    this.#next[row] = this.#free;
    this.#free = row;
    this.size--;
  }

  /** Whether a row below {@link end} is in use. */
  isUsed(row: number): boolean {
    return this.#tags[row] !== 0;
  }

  familyAt(row: number): Family {
    return (this.#tags[row] & 0xff) === 4 ? 4 : 6;
  }

  /** The port of a row; 0: the row is that of an address. */
  portAt(row: number): number {
    return this.#tags[row] >>> PORT_SHIFT;
  }

  /** The words of all rows' addresses, {@link COPY_WORDS} each. Replaced as the table grows. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** The address of a row as text. */
  addressText(row: number): string {
    const at = row * COPY_WORDS;
    const words = this.#words;
    if (this.familyAt(row) === 4) this.#address.setIPv4(words[at]);
    else this.#address.setIPv6(words[at], words[at + 1], words[at + 2], words[at + 3]);
    return formatAddress(this.#address);
  }

  #isAt(row: number, tag: number, words: Uint32Array, at: number): boolean {
    if (this.#tags[row] !== tag) return false;
    const own = row * COPY_WORDS;
    const count = (tag & 0xff) === 4 ? 1 : COPY_WORDS;
    for (let i = 0; i < count; i++) if (this.#words[own + i] !== words[at + i]) return false;
    return true;
  }

  #bucketOf(family: Family, words: Uint32Array, at: number, tag: number): number {
    return this.#hash.hash(words, at, ADDRESS_WORDS[family], tag) & (this.#buckets.length - 1);
  }

  #bucketOfRow(row: number): number {
    return this.#bucketOf(this.familyAt(row), this.#words, row * COPY_WORDS, this.#tags[row]);
  }

  #link(row: number): void {
    const bucket = this.#bucketOfRow(row);
    this.#next[row] = this.#buckets[bucket];
    this.#buckets[bucket] = row;
  }

  #grow(): void {
    const capacity = 2 * this.#tags.length;
    this.counts = grownSigned(this.counts, capacity);
    this.pairs = grownSigned(this.pairs, capacity);
    this.hosts = grownSigned(this.hosts, capacity);
    this.flags = grown8(this.flags, capacity);
    this.#words = grown32(this.#words, capacity * COPY_WORDS);
    this.#tags = grown32(this.#tags, capacity);
    this.#next = grownSigned(this.#next, capacity);
    this.#buckets = new Int32Array(capacity).fill(NONE);
    // No row is free.
    for (let row = 0; row < this.end; row++) this.#link(row);
  }
}
