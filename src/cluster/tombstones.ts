/**
 * Peers that have stopped, with the time. Without it, a record that was heard before the stop and arrives after it would
 * bring the peer back. A table of fixed size: four places for a peer, of which the one with the oldest stop is replaced.
 *
 *     entry   hash:32  another hash:32  time:32 (4 ms)  counted:1  number of the node that was told:31
 *
 * *Counted*: the peer's completion is counted, so that it is not counted again when a record of it comes late.
 */
import type { Address } from "../model/address.ts";
import { KeyedHash } from "../store/keyed-hash.ts";
import { AGE_UNIT_MS } from "./record.ts";

/** The number of entries; a power of two. */
const TOMBSTONES = 1 << 20;
const WAYS = 4;
const ENTRY_WORDS = 4;
const COUNTED = 0x80000000;

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
  readonly #message = new Uint32Array(9);

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
    const first = this.#load(infoHash, address, port);
    const [hash, other] = [this.#hashWord, this.#otherWord];
    const time = this.#unitsOf(timeMs);
    let target = first;
    let counted = 0;
    for (let at = first; at < first + WAYS * ENTRY_WORDS; at += ENTRY_WORDS) {
      if (words[at] === hash && words[at + 1] === other && words[at + 2] !== 0) {
        if (words[at + 2] >= time) return false;
        counted = words[at + 3] & COUNTED;
        target = at;
        break;
      }
      if (words[at + 2] < words[target + 2]) target = at;
    }
    if (words[target + 2] === 0) this.count++;
    words[target] = hash;
    words[target + 1] = other;
    words[target + 2] = time;
    words[target + 3] = node | counted;
    return true;
  }

  /**
   * Whether a peer has stopped since it was heard.
   * @param timeMs when it was heard. @param node the number of the node that heard it: its records are in order, so one
   * of the same time is from after the stop.
   */
  covers(infoHash: Uint32Array, address: Address, port: number, timeMs: number, node: number): boolean {
    const words = this.#words;
    const first = this.#load(infoHash, address, port);
    const time = this.#unitsOf(timeMs);
    for (let at = first; at < first + WAYS * ENTRY_WORDS; at += ENTRY_WORDS) {
      if (words[at] !== this.#hashWord || words[at + 1] !== this.#otherWord) continue;
      const stopped = words[at + 2];
      if (stopped > time || (stopped === time && (words[at + 3] & ~COUNTED) !== node)) return true;
    }
    return false;
  }

  /** Whether the completion of a peer is counted, as far as its last stop tells. */
  isCounted(infoHash: Uint32Array, address: Address, port: number): boolean {
    const words = this.#words;
    const first = this.#load(infoHash, address, port);
    for (let at = first; at < first + WAYS * ENTRY_WORDS; at += ENTRY_WORDS)
      if (words[at] === this.#hashWord && words[at + 1] === this.#otherWord)
        return (words[at + 3] & COUNTED) !== 0;
    return false;
  }

  /** Notes that the completion of a peer that has stopped is counted. @returns whether it was not, and the stop is known. */
  markCounted(infoHash: Uint32Array, address: Address, port: number): boolean {
    const words = this.#words;
    const first = this.#load(infoHash, address, port);
    for (let at = first; at < first + WAYS * ENTRY_WORDS; at += ENTRY_WORDS) {
      if (words[at] !== this.#hashWord || words[at + 1] !== this.#otherWord || words[at + 2] === 0) continue;
      const isNew = (words[at + 3] & COUNTED) === 0;
      words[at + 3] |= COUNTED;
      return isNew;
    }
    return false;
  }

  #hashWord = 0;
  #otherWord = 0;

  /** Hashes a peer. @returns the first of its places. */
  #load(infoHash: Uint32Array, address: Address, port: number): number {
    const message = this.#message;
    message.set(infoHash);
    message.set(address.words, infoHash.length);
    this.#hashWord = this.#hash.hash(message, 0, message.length, port) >>> 0;
    this.#otherWord = this.#second.hash(message, 0, message.length, port) >>> 0;
    return (this.#hashWord % this.#places) * WAYS * ENTRY_WORDS;
  }

  /** At least 1: 0 is an entry that is free. */
  #unitsOf(timeMs: number): number {
    return Math.max(1, Math.round((timeMs - this.#base) / AGE_UNIT_MS)) >>> 0;
  }
}
