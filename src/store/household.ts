/**
 * The household of a peer: its IPv4 address, or the /56 of its IPv6 address (model/address.ts). Limits count
 * households, because one address has 65,535 ports, and a /56 has any number of addresses.
 */
import type { Family } from "../model/address.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import { isLearned } from "./layout/key.ts";
import { householdWord } from "./layout/peer.ts";
import { ageOf } from "./peer-record.ts";

/**
 * The number of peers of one household that an answer contains before peers of other households. More of them are
 * returned only if places are left. A large list in which a household has more is crowded (large-list.ts).
 */
export const FAIR_PLACES = 4;

/** The keyed hash of the household of the address at `words[at]`. */
export function hashHousehold(hash: KeyedHash, family: Family, words: Uint32Array, at: number): number {
  // V8 allocates no memory when a signed integer is passed on.
  if (family === 4) return hash.hash(words, at, 0, words[at] | 0);
  return hash.hash(words, at, 1, householdWord(words, at));
}

/** Whether the addresses at `words[at]` and `address[addressAt]`, both of one family, are of one household. */
export function isSameHousehold(
  family: Family,
  words: Uint32Array,
  at: number,
  address: Uint32Array,
  addressAt: number,
): boolean {
  if (words[at] !== address[addressAt]) return false;
  return family === 4 || householdWord(words, at) === householdWord(address, addressAt);
}

/** The peers of one household in a list. Mutable, reused. */
export class Mates {
  count = 0;
  /** The position of a learned peer, or -1. */
  learned = -1;
  /** The position of the announced peer whose last announce is the oldest, or -1, and its age in seconds. */
  oldest = -1;
  oldestAge = -1;

  clear(): void {
    this.count = 0;
    this.learned = -1;
    this.oldest = -1;
    this.oldestAge = -1;
  }

  /** Counts the peer at `position`, with these words A and B (layout/peer.ts). */
  add(position: number, wordA: number, wordB: number, now: number): void {
    this.count++;
    if (isLearned(wordA)) {
      this.learned = position;
      return;
    }
    const age = ageOf(wordB, now);
    if (age <= this.oldestAge) return;
    this.oldest = position;
    this.oldestAge = age;
  }
}
