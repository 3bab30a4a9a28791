/**
 * Digests: an alarm that tells when the stores of two nodes differ. The info-hashes are divided into 4,096 ranges. For
 * each, a digest has the number of peers and the exclusive or of their hashes. All nodes make theirs at the same time,
 * once a minute; what is under way at that moment differs, so a range counts as different after three times.
 *
 * Private addresses are left out, since other sites do not have them; so are learned peers, and peers that are about to
 * expire. The hash is of address, port, and whether the peer is complete.
 */
import type { Family } from "../model/address.ts";
import { readWord, writeWord } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import { hasPrivateAddress, isComplete, isLearned, portOf } from "../store/layout/key.ts";
import { ADDRESS_WORDS, wordAOf, wordBAt } from "../store/layout/peer.ts";
import { ageOf } from "../store/peer-record.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { WalkCursor, type WalkVisitor, walk } from "./store-walk.ts";

/** The number of ranges: the first 12 bits of an info-hash. */
export const RANGES = 4096;

/** The range of an info-hash. @param word its first word. */
export function rangeOf(word: number): number {
  return word >>> 20;
}

/** Bytes of a digest in a message, behind the number of its round. */
export const DIGEST_BYTES = RANGES * 8;

/** Holds of a shard in one step of a scan: a few milliseconds. */
const STEPS = 800;

/** The digest of this node, made in steps. */
export class Digest implements WalkVisitor {
  readonly room = Number.POSITIVE_INFINITY;
  readonly counts = new Uint32Array(RANGES);
  readonly sums = new Uint32Array(RANGES);
  /** The number of the round that it is for; 0 before the first. */
  round = 0;
  isDone = true;
  readonly #store: SwarmStore;
  readonly #hash: KeyedHash;
  readonly #message = new Uint32Array(INFO_HASH_WORDS + 4);
  #cursor = new WalkCursor();
  #now = 0;
  #expiry = 0;

  constructor(store: SwarmStore, hash: KeyedHash) {
    this.#store = store;
    this.#hash = hash;
  }

  /** Begins another digest. @param now and `expiry`: seconds. Peers that are older are left out. */
  begin(round: number, now: number, expiry: number): void {
    this.round = round;
    this.isDone = false;
    this.counts.fill(0);
    this.sums.fill(0);
    this.#cursor = new WalkCursor();
    this.#now = now;
    this.#expiry = expiry;
  }

  /** Makes a part of it. @returns whether it has just been completed. */
  step(): boolean {
    if (this.isDone) return false;
    this.isDone = walk(this.#store, this.#cursor, this, STEPS);
    return this.isDone;
  }

  enters(): boolean {
    return true;
  }

  peer(entry: number, record: number, family: Family): void {
    const { words } = this.#store;
    const wordA = wordAOf(record, family);
    const key = words[wordA] | 0;
    if (isLearned(key) || hasPrivateAddress(key)) return;
    if (ageOf(wordBAt(words, wordA), this.#now) > this.#expiry) return;
    const message = this.#message;
    for (let i = 0; i < INFO_HASH_WORDS; i++) message[i] = words[entry + i];
    for (let i = 0; i < 4; i++)
      message[INFO_HASH_WORDS + i] = i < ADDRESS_WORDS[family] ? words[record + i] : 0;
    const last = (portOf(words[wordA]) << 1) | (isComplete(key) ? 1 : 0);
    const range = rangeOf(words[entry]);
    this.counts[range]++;
    this.sums[range] ^= this.#hash.hash(message, 0, message.length, last);
  }

  leaves(): void {}

  /** Writes it. @returns the offset after it. */
  write(out: Uint8Array, at: number): number {
    for (let range = 0; range < RANGES; range++) {
      writeWord(out, at + range * 8, this.counts[range]);
      writeWord(out, at + range * 8 + 4, this.sums[range]);
    }
    return at + DIGEST_BYTES;
  }
}

/** A range is fetched again after so many differences in a row, and then not before so many more. */
const DIFFERENCES = 3;
const PAUSE = 30;

/** How the ranges of another node have differed. */
export class RangeDifferences {
  /** Ranges that differed in the last comparison. */
  differing = 0;
  readonly #streaks = new Int8Array(RANGES);

  /**
   * Compares a digest of another node with this node's, of the same round.
   * @returns the ranges that must be fetched again, `limit` at most.
   */
  compare(own: Digest, bytes: Uint8Array, at: number, limit: number): number[] {
    const due: number[] = [];
    const streaks = this.#streaks;
    this.differing = 0;
    for (let range = 0; range < RANGES; range++) {
      const isEqual =
        readWord(bytes, at + range * 8) === own.counts[range] &&
        readWord(bytes, at + range * 8 + 4) === own.sums[range];
      if (!isEqual) this.differing++;
      if (isEqual) streaks[range] = Math.min(0, streaks[range] + 1);
      else if (++streaks[range] >= DIFFERENCES && due.length < limit) {
        streaks[range] = -PAUSE;
        due.push(range);
      }
    }
    return due;
  }
}
