/**
 * Peers that have stopped, with the time. Without it, a record that was heard before the stop and arrives after it would
 * bring the peer back. A table of fixed size: four places for a peer, of which the one with the oldest stop is replaced.
 *
 *     entry   hash:32  another hash:32  time:32 (4 ms)  counted:1  number of the node that was told:31
 *
 * *Counted*: the peer's completion is counted, so that it is not counted again when a record of it comes late.
 */
import type { Address } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import { AGE_UNIT_MS } from "./record.ts";

/** The number of entries; a power of two. */
const TOMBSTONES = 1 << 20;
const WAYS = 4;
const ENTRY_WORDS = 4;
const COUNTED = 0x80000000;

/** The words of an entry after the first hash. */
const OTHER = 1;
const TIME = 2;
const NODE = 3;

/** Bits of the filter; a power of two. */
const FILTER_BITS = 1 << 20;

/** Times are counted from so long before the start: records may be older than the process. */
const BEFORE_START_MS = 86_400_000;

/** A table of stops. */
export class Tombstones {
  /** Entries in use. */
  count = 0;
  readonly #words: Uint32Array;
  readonly #places: number;
  readonly #base: number;
  readonly #hash: KeyedHash;
  readonly #second: KeyedHash;
  /** A bit for every stop that was ever noted. Of use for a node that starts: it has few stops, and many records come. */
  readonly #filter = new Int32Array(FILTER_BITS / 32);
  readonly #message = new Uint32Array(INFO_HASH_WORDS + 4);

  /**
   * @param nowMs the time of the start.
   * @param key two words that clients cannot know.
   * @param entries a power of two.
   */
  constructor(nowMs: number, key: readonly [number, number], entries: number = TOMBSTONES) {
    this.#words = new Uint32Array(entries * ENTRY_WORDS);
    this.#places = entries / WAYS;
    this.#base = nowMs - BEFORE_START_MS;
    this.#hash = new KeyedHash(key[0], key[1]);
    this.#second = new KeyedHash(~key[1], ~key[0]);
  }

  /**
   * Notes a stop.
   * @param timeMs when the client stopped. @param node the number of the node that it told.
   * @returns false if a later stop, or this one, is noted already.
   */
  add(infoHash: Uint32Array, address: Address, port: number, timeMs: number, node: number): boolean {
    const words = this.#words;
    const time = this.#unitsOf(timeMs);
    let at = this.#find(infoHash, address, port);
    let counted = 0;
    if (at !== -1) {
      if (words[at + TIME] >= time) return false;
      counted = words[at + NODE] & COUNTED;
    } else {
      at = this.#oldest();
      if (words[at + TIME] === 0) this.count++;
      words[at] = this.#hashWord;
      words[at + OTHER] = this.#otherHash(port);
      const place = placeInFilter(infoHash, address, port);
      this.#filter[place >>> 5] |= 1 << (place & 31);
    }
    words[at + TIME] = time;
    words[at + NODE] = node | counted;
    return true;
  }

  /**
   * Whether a peer has stopped since it was heard.
   * @param timeMs when it was heard. @param node the number of the node that heard it: its records are in order, so one
   * of the same time is from after the stop.
   */
  covers(infoHash: Uint32Array, address: Address, port: number, timeMs: number, node: number): boolean {
    if (!this.#mayBeKnown(infoHash, address, port)) return false;
    const at = this.#find(infoHash, address, port);
    if (at === -1) return false;
    const words = this.#words;
    const time = this.#unitsOf(timeMs);
    const stopped = words[at + TIME];
    return stopped > time || (stopped === time && (words[at + NODE] & ~COUNTED) !== node);
  }

  /** Whether the completion of a peer is counted, as far as its last stop tells. */
  isCounted(infoHash: Uint32Array, address: Address, port: number): boolean {
    const at = this.#find(infoHash, address, port);
    return at !== -1 && (this.#words[at + NODE] & COUNTED) !== 0;
  }

  /** Notes that the completion of a peer that has stopped is counted. @returns whether it was not, and the stop is known. */
  markCounted(infoHash: Uint32Array, address: Address, port: number): boolean {
    const at = this.#find(infoHash, address, port);
    if (at === -1) return false;
    const words = this.#words;
    const isNew = (words[at + NODE] & COUNTED) === 0;
    words[at + NODE] |= COUNTED;
    return isNew;
  }

  /** Whether the peer may have a stop: if not, the large table, which no cache holds, need not be read. */
  #mayBeKnown(infoHash: Uint32Array, address: Address, port: number): boolean {
    const place = placeInFilter(infoHash, address, port);
    return (this.#filter[place >>> 5] & (1 << (place & 31))) !== 0;
  }

  #hashWord = 0;
  /** The first of the places of the peer that was looked for. */
  #first = 0;

  /** Looks for a peer. @returns where its entry is, or -1. */
  #find(infoHash: Uint32Array, address: Address, port: number): number {
    const message = this.#message;
    const words = this.#words;
    // Without `set`, for speed: every record that comes is looked for.
    for (let i = 0; i < INFO_HASH_WORDS; i++) message[i] = infoHash[i];
    for (let i = 0; i < address.words.length; i++) message[INFO_HASH_WORDS + i] = address.words[i];
    const hash = this.#hash.hash(message, 0, message.length, port) >>> 0;
    const first = (hash % this.#places) * WAYS * ENTRY_WORDS;
    this.#hashWord = hash;
    this.#first = first;
    for (let at = first; at < first + WAYS * ENTRY_WORDS; at += ENTRY_WORDS) {
      if (words[at] !== hash || words[at + TIME] === 0) continue;
      if (words[at + OTHER] === this.#otherHash(port)) return at;
    }
    return -1;
  }

  /** The place with the oldest stop, of those of the peer that was looked for. */
  #oldest(): number {
    const words = this.#words;
    let oldest = this.#first;
    for (let at = oldest; at < this.#first + WAYS * ENTRY_WORDS; at += ENTRY_WORDS)
      if (words[at + TIME] < words[oldest + TIME]) oldest = at;
    return oldest;
  }

  /** Another hash of the peer that was looked for. */
  #otherHash(port: number): number {
    return this.#second.hash(this.#message, 0, this.#message.length, port) >>> 0;
  }

  /** At least 1: 0 is an entry that is free. */
  #unitsOf(timeMs: number): number {
    return Math.max(1, Math.round((timeMs - this.#base) / AGE_UNIT_MS)) >>> 0;
  }
}

/** The bit of a peer in the filter. It needs no key: the table decides. */
function placeInFilter(infoHash: Uint32Array, { words }: Address, port: number): number {
  const mixed = Math.imul(
    infoHash[0] ^ words[0] ^ Math.imul(words[1] ^ words[3] ^ port, 0x85ebca6b),
    0x9e3779b1,
  );
  return (mixed ^ (mixed >>> 15)) & (FILTER_BITS - 1);
}
