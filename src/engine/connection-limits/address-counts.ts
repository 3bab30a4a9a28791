/** Counts connections by address: an IPv4 address, or an IPv6 /56, which is the usual allocation of one household. */
import { NONE } from "./linked-lists.ts";

/** The entry of all proxies together. */
export const PROXIES = 0;

/** First word of the key of an IPv4 address. No IPv6 client has it: it would be multicast (RFC 4291 2.7). */
const IPV4 = 0xffffffff;

/** Mask of the second word of an IPv6 address: 24 bits, with the first word 56. */
const SECOND_WORD = 0xffffff00;

/** A hash table of fixed size in typed arrays. Adding and removing take constant time. */
export class AddressCounts {
  /** Connections by address number. */
  readonly counts: Int32Array;
  readonly #keys: Uint32Array;
  /** The first address of each bucket, and the next address in the same bucket. */
  readonly #buckets: Int32Array;
  readonly #next: Int32Array;
  /** A stack of free address numbers. */
  readonly #free: Int32Array;
  #freeCount: number;
  readonly #shift: number;
  /** Random hash keys: clients cannot choose addresses that collide. */
  readonly #secret0 = randomOdd();
  readonly #secret1 = randomOdd();
  readonly #secret2 = randomOdd();
  /** The key that was computed last, and its bucket. */
  #key0 = 0;
  #key1 = 0;
  #bucket = 0;

  /** @param most distinct addresses at a time. */
  constructor(most: number) {
    const bits = Math.max(1, Math.ceil(Math.log2(most)));
    this.counts = new Int32Array(most + 1);
    this.#keys = new Uint32Array(2 * (most + 1));
    this.#buckets = new Int32Array(2 ** bits).fill(NONE);
    this.#next = new Int32Array(most + 1).fill(NONE);
    this.#free = Int32Array.from({ length: most }, (_, i) => most - i);
    this.#freeCount = most;
    this.#shift = 32 - bits;
  }

  /** The number of an address that has connections, or {@link NONE}. @param remote 16 bytes, IPv4 as v4-mapped. */
  find(remote: Uint8Array): number {
    this.#makeKey(remote);
    let address = this.#buckets[this.#bucket];
    while (address !== NONE && !this.#hasKey(address)) address = this.#next[address];
    return address;
  }

  /** Counts a connection. @returns the number of its address. @throws RangeError when the table is full. */
  add(remote: Uint8Array): number {
    const found = this.find(remote);
    const address = found === NONE ? this.#add() : found;
    this.counts[address]++;
    return address;
  }

  /** Removes a connection of an address. */
  remove(address: number): void {
    if (--this.counts[address] > 0 || address === PROXIES) return;
    this.#bucket = this.#hash(this.#keys[2 * address], this.#keys[2 * address + 1]);
    let at = this.#buckets[this.#bucket];
    if (at === address) {
      this.#buckets[this.#bucket] = this.#next[address];
    } else {
      while (this.#next[at] !== address) at = this.#next[at];
      this.#next[at] = this.#next[address];
    }
    this.#free[this.#freeCount++] = address;
  }

  #add(): number {
    if (this.#freeCount === 0) throw new RangeError("more addresses than there can be connections");
    const address = this.#free[--this.#freeCount];
    this.#keys[2 * address] = this.#key0;
    this.#keys[2 * address + 1] = this.#key1;
    this.#next[address] = this.#buckets[this.#bucket];
    this.#buckets[this.#bucket] = address;
    return address;
  }

  #hasKey(address: number): boolean {
    return this.#keys[2 * address] === this.#key0 && this.#keys[2 * address + 1] === this.#key1;
  }

  #makeKey(remote: Uint8Array): void {
    const second = word(remote, 4);
    const third = word(remote, 8);
    const first = word(remote, 0);
    const isIPv4 = first === 0 && second === 0 && third === 0xffff;
    this.#key0 = isIPv4 ? IPV4 : first;
    this.#key1 = isIPv4 ? word(remote, 12) : (second & SECOND_WORD) >>> 0;
    this.#bucket = this.#hash(this.#key0, this.#key1);
  }

  #hash(key0: number, key1: number): number {
    const mixed =
      Math.imul(key0 ^ (key0 >>> 15), this.#secret0) + Math.imul(key1 ^ (key1 >>> 15), this.#secret1);
    return Math.imul(mixed ^ (mixed >>> 16), this.#secret2) >>> this.#shift;
  }
}

function randomOdd(): number {
  return Math.floor(Math.random() * 2 ** 32) | 1;
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}
