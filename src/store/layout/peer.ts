/**
 * The record of a peer: its address (1 word for IPv4, 4 for IPv6), word A (key.ts), word B. In a large list (list.ts) a
 * record has one more word, the chain.
 *
 *     word B    incomplete   last seen:16 (seconds, modulo 2^16)  identity:1  left:11 (coarseLeft)  progress:4 (ticks)
 *               complete     last seen:16  identity:9  dwell:6  counted:1
 *               learned      source:13  expires:19 (in units of 4 seconds, modulo 2^19)
 *
 * - *Identity*: bits of a keyed hash of the client (client-identity.ts), 2 of an incomplete peer and 10 of a complete one.
 *   There is none if the two highest bits are 0.
 * - *Progress*: the tick in which `left` last fell (peer-record.ts).
 * - *Dwell*: how long a copy has been announced, in 64ths of the time after which it is proven.
 * - *Counted*: `downloaded` has counted the peer.
 */
import { type Address, type Family, HOUSEHOLD_MASK } from "../../model/address.ts";
import { LEFT_MAX } from "../../model/announce.ts";
import { LEARNED_SOURCES } from "../../model/counters.ts";
import { highestIdentityBit, IDENTITY_BITS, isComplete, portOf } from "./key.ts";
import { checkFits, defineWord } from "./word.ts";

/** Words of an address, and of a record. */
export const ADDRESS_WORDS = { 4: 1, 6: 4 } as const satisfies Record<Family, number>;
const ADDRESS_WORDS_4 = ADDRESS_WORDS[4];
export const RECORD_WORDS = { 4: 3, 6: 6 } as const satisfies Record<Family, number>;

const LEECHER = defineWord("word B of an incomplete peer", { seen: 16, identity: 1, left: 11, progress: 4 });
const SEEDER = defineWord("word B of a complete peer", { seen: 16, identity: 9, dwell: 6, counted: 1 });
const LEARNED = defineWord("word B of a learned peer", { source: 13, expires: 19 });

/** The longest dwell that a record can hold. */
export const DWELL_MAX = SEEDER.dwell.max;
/** Ticks are counted modulo this. */
export const PROGRESS_CYCLE = LEECHER.progress.max + 1;
/** Upper bound of the numbers of trackers that peers are learned from. */
export const SOURCES = LEARNED.source.max + 1;

// V8 folds constants of a module that are not exported, and inlines functions as short as these.
const SEEN_SHIFT = LEECHER.seen.shift;
const SEEN_MAX = LEECHER.seen.max;
const LEFT_SHIFT = LEECHER.left.shift;
const LEFT_MASK = LEECHER.left.max;
const PROGRESS = LEECHER.progress.mask;
const LEECHER_IDENTITY_SHIFT = LEECHER.identity.shift;
const LEECHER_IDENTITY_MASK = LEECHER.identity.max;
const SEEDER_IDENTITY_SHIFT = SEEDER.identity.shift;
const SEEDER_IDENTITY_MASK = SEEDER.identity.max;
const DWELL_SHIFT = SEEDER.dwell.shift;
const DWELL_MASK = SEEDER.dwell.max;
const COUNTED = SEEDER.counted.mask;
const SOURCE_SHIFT = LEARNED.source.shift;
const EXPIRY = LEARNED.expires.mask;

/** Where the second bit of an identity is; the first is in word A. */
const SECOND_BIT = IDENTITY_BITS - 2;
const IDENTITY_MASK = 2 ** IDENTITY_BITS - 1;
const IDENTITY_HIGH = 3 * 2 ** SECOND_BIT;

checkFits(LEECHER.left, LEFT_MAX);
checkFits(LEARNED.source, LEARNED_SOURCES - 1);
checkFits(SEEDER.identity, 2 ** (IDENTITY_BITS - 1) - 1);
// The age of an announced peer is read without a look at its kind.
if (LEECHER.seen.mask !== SEEDER.seen.mask) throw new RangeError("word B: two places for the last announce");

// --- where the words of a record are ---

/** Where word A of the record at `record` is. Word B follows it. */
export function wordAOf(record: number, family: Family): number {
  return record + (family === 4 ? 1 : 4);
}

/** Word B of the record whose word A is at `wordA`, signed: V8 would allocate half of all unsigned words. */
export function wordBAt(words: Uint32Array, wordA: number): number {
  return words[wordA + 1] | 0;
}

/** Writes word B of the record whose word A is at `wordA`. */
export function setWordB(words: Uint32Array, wordA: number, wordB: number): void {
  words[wordA + 1] = wordB;
}

/** Reads the address of the record at `record`. */
export function readAddress(words: Uint32Array, record: number, family: Family, out: Address): void {
  if (family === 4) out.setIPv4(words[record]);
  else out.setIPv6(words[record], words[record + 1], words[record + 2], words[record + 3]);
}

/** The second word of the household of the IPv6 address at `words[at]`; the first is that of the address. Signed. */
export function householdWord(words: Uint32Array, at: number): number {
  return words[at + 1] & HOUSEHOLD_MASK;
}

/** Whether the record at `record` has this address and port. @param count words of the address. Without a loop, for speed. */
export function isRecordOf(
  words: Uint32Array,
  record: number,
  count: number,
  address: Uint32Array,
  port: number,
): boolean {
  if (words[record] !== address[0] || portOf(words[record + count]) !== port) return false;
  if (count === ADDRESS_WORDS_4) return true;
  return (
    words[record + 1] === address[1] && words[record + 2] === address[2] && words[record + 3] === address[3]
  );
}

// --- the identity of the client ---

/** The identity in a record: all {@link IDENTITY_BITS} bits of a complete peer, the two highest of an incomplete one. */
export function identityOf(wordA: number, wordB: number): number {
  const rest = isComplete(wordA)
    ? (wordB >>> SEEDER_IDENTITY_SHIFT) & SEEDER_IDENTITY_MASK
    : ((wordB >>> LEECHER_IDENTITY_SHIFT) & LEECHER_IDENTITY_MASK) << SECOND_BIT;
  return highestIdentityBit(wordA) | rest;
}

/** Whether a record has this identity. @param whole compares all bits, and else the two that all records have. */
export function hasIdentity(wordA: number, wordB: number, identity: number, whole: boolean): boolean {
  return ((identityOf(wordA, wordB) ^ identity) & (whole ? IDENTITY_MASK : IDENTITY_HIGH)) === 0;
}

// --- word B ---

/**
 * Word B of an incomplete peer that has just announced.
 * @param now seconds; ages are known up to 18 hours.
 * @param identity of {@link IDENTITY_BITS} bits; the highest is in word A.
 */
export function packLeecher(now: number, identity: number, left: number, progress: number): number {
  const second = (identity >>> SECOND_BIT) & LEECHER_IDENTITY_MASK;
  return (now << SEEN_SHIFT) | (second << LEECHER_IDENTITY_SHIFT) | (left << LEFT_SHIFT) | progress;
}

/** Word B of a complete peer that has just announced. @param counted whether `downloaded` has counted it. */
export function packSeeder(now: number, identity: number, dwell: number, counted: boolean): number {
  const rest = (identity & SEEDER_IDENTITY_MASK) << SEEDER_IDENTITY_SHIFT;
  return (now << SEEN_SHIFT) | rest | (dwell << DWELL_SHIFT) | (counted ? COUNTED : 0);
}

/** Seconds since a record with this word B was written, modulo 2^16. */
export function secondsSince(wordB: number, now: number): number {
  return (now - (wordB >>> SEEN_SHIFT)) & SEEN_MAX;
}

/** `coarseLeft` of an incomplete peer with this word B. */
export function leftOf(wordB: number): number {
  return (wordB >>> LEFT_SHIFT) & LEFT_MASK;
}

/** The tick of an incomplete peer's last progress. */
export function progressOf(wordB: number): number {
  return wordB & PROGRESS;
}

/** A number of ticks modulo {@link PROGRESS_CYCLE}. */
export function wrapProgress(ticks: number): number {
  return ticks & PROGRESS;
}

/** The dwell in word B of a complete peer. */
export function dwellOf(wordB: number): number {
  return (wordB >>> DWELL_SHIFT) & DWELL_MASK;
}

/** Whether `downloaded` has counted the complete peer with this word B. */
export function isCounted(wordB: number): boolean {
  return (wordB & COUNTED) !== 0;
}

/** Notes that `downloaded` has counted the complete peer whose word A is at `wordA`. */
export function setCounted(words: Uint32Array, wordA: number): void {
  words[wordA + 1] |= COUNTED;
}

// --- word B of a learned peer ---

/** Seconds in a unit of the time when a learned peer expires. */
const EXPIRY_SECONDS = 4;

/**
 * Word B of a peer that another tracker has named.
 * @param source its number, below {@link SOURCES}.
 * @param expiresAt seconds; at most twelve days ahead.
 */
export function packLearned(source: number, expiresAt: number): number {
  return ((source << SOURCE_SHIFT) | (Math.floor(expiresAt / EXPIRY_SECONDS) & EXPIRY)) >>> 0;
}

/** The number of the tracker that named the learned peer with this word B. */
export function sourceOf(wordB: number): number {
  return wordB >>> SOURCE_SHIFT;
}

/** Whether the learned peer with one word B expires no earlier than that with another. */
function outlives(wordB: number, other: number): boolean {
  return ((wordB - other) & EXPIRY) <= EXPIRY >>> 1;
}

/** Word B of a learned peer that is named again. The later expiry counts. @param wordB of the new naming. */
export function renewedState(wordB: number, old: number): number {
  return outlives(wordB, old) ? wordB : ((wordB & ~EXPIRY) | (old & EXPIRY)) >>> 0;
}

/** Whether the learned peer with this word B has expired. @param now seconds. */
export function isForgotten(wordB: number, now: number): boolean {
  return ((Math.floor(now / EXPIRY_SECONDS) - wordB) & EXPIRY) <= EXPIRY >>> 1;
}
