/**
 * The entry of a swarm: 16 words, one line of the processor's cache. An entry is named by its first word.
 *
 *     0–4    info-hash
 *     5      chain
 *     6      head of the bucket with this entry's number; it does not belong to the swarm
 *     7, 8   IPv4 list (list.ts): reference;  duplicates:11, the low bits  peers:21
 *     9, 10  IPv6 list: reference;            duplicates:11, the high bits  peers:21
 *     11     learned:10  complete:22, without learned peers and duplicates
 *     12     downloaded: clients that said they had completed the download
 *     13     first announce (seconds)
 *     14     last announce (seconds)
 *     15     since:20  strikes:3  stranded:1  refresh:5  qualified:1  fresh:1  changed:1
 *
 * - *Changed*: since storage last read the swarm.
 * - *Fresh*: the stored facts, from before the swarm last vanished, are not added to it yet.
 * - *Qualified*, *strikes*, *since*: for the hash list (hash-list/qualification.ts).
 * - *Stranded*: a download inside has stalled since the swarm qualified.
 * - *Refresh*: when other trackers are asked again (swarm-state.ts).
 *
 * Chain and head hold a link (list.ts): the number of an entry + 1; 0 ends a chain.
 */
import type { Family } from "../../model/address.ts";
import { INFO_HASH_WORDS } from "../../model/info-hash.ts";
import { CHUNK_WORDS } from "./block.ts";
import { COUNT_BITS, COUNT_MASK, LIST_LENGTH_MAX } from "./list.ts";
import { checkFits, checkWords, copyWords, defineWord } from "./word.ts";

const CHAIN = INFO_HASH_WORDS;
const HEAD = 6;
const LIST4 = 7;
const LIST6 = 9;
const KINDS = 11;
const DOWNLOADED = 12;
const FIRST_SEEN = 13;
const LAST_SEEN = 14;
const FLAGS = 15;

/** Words of an entry. */
export const ENTRY_WORDS = 16;
const ENTRIES_PER_CHUNK = CHUNK_WORDS / ENTRY_WORDS;

checkWords("entry", ENTRY_WORDS, {
  infoHash: [0, INFO_HASH_WORDS],
  chain: [CHAIN, 1],
  head: [HEAD, 1],
  list4: [LIST4, 2],
  list6: [LIST6, 2],
  kinds: [KINDS, 1],
  downloaded: [DOWNLOADED, 1],
  firstSeen: [FIRST_SEEN, 1],
  lastSeen: [LAST_SEEN, 1],
  flags: [FLAGS, 1],
});
if (!Number.isInteger(Math.log2(ENTRIES_PER_CHUNK)))
  throw new RangeError("entries do not divide a chunk evenly");

const CELL = defineWord("second word of a list", { duplicates: 32 - COUNT_BITS, peers: COUNT_BITS });
const KIND = defineWord("peers by kind", { learned: 10, complete: 22 });
const FLAG = defineWord("flags of a swarm", {
  since: 20,
  strikes: 3,
  stranded: 1,
  refresh: 5,
  qualified: 1,
  fresh: 1,
  changed: 1,
});

/** Most learned peers of a swarm. */
export const LEARNED_MAX = KIND.learned.max;
/** Moments of {@link refreshOf} are counted modulo this; 0 is none. */
export const REFRESH_CYCLE = FLAG.refresh.max;
/** Most strikes that are counted. */
export const STRIKES_MAX = FLAG.strikes.max;
/** {@link sinceOf} is known modulo this + 1. */
export const SINCE_MAX = FLAG.since.max;

const DUPLICATES_SHIFT = CELL.duplicates.shift;
const DUPLICATES_BITS = 32 - COUNT_BITS;
const DUPLICATES_LOW = CELL.duplicates.max;
const LEARNED_SHIFT = KIND.learned.shift;
const LEARNED_ONE = 2 ** KIND.learned.shift;
const COMPLETE_MASK = KIND.complete.mask;
const CHANGED = FLAG.changed.mask;
const FRESH = FLAG.fresh.mask;
const QUALIFIED = FLAG.qualified.mask;
const STRANDED = FLAG.stranded.mask;
const REFRESH = FLAG.refresh.mask;
const REFRESH_SHIFT = FLAG.refresh.shift;
const QUALIFICATION = FLAG.since.mask | FLAG.strikes.mask | STRANDED | QUALIFIED;

// A swarm has at most two full lists.
checkFits(KIND.complete, 2 * LIST_LENGTH_MAX);
if (2 * LIST_LENGTH_MAX >= 4 ** DUPLICATES_BITS) throw new RangeError("too few bits for duplicates");

// --- entries in chunks ---

const ENTRY_SHIFT = Math.log2(ENTRY_WORDS);
const CHUNK_SHIFT = Math.log2(ENTRIES_PER_CHUNK);
const CHUNK_WORDS_SHIFT = Math.log2(CHUNK_WORDS);
const PLACE_MASK = ENTRIES_PER_CHUNK - 1;

/** Which chunk of its shard's table has the entry with this number. */
export function entryChunk(number: number): number {
  return number >>> CHUNK_SHIFT;
}

/** The entry with this number. @param chunk that has it. */
export function entryInChunk(chunk: number, number: number): number {
  return (chunk << CHUNK_WORDS_SHIFT) + ((number & PLACE_MASK) << ENTRY_SHIFT);
}

/** Whether the entry with this number is the first of its chunk. */
export function isFirstInChunk(number: number): boolean {
  return (number & PLACE_MASK) === 0;
}

// --- words of an entry ---

/** The cell (list.ts) of a swarm's list of one family. */
export function listCell(entry: number, family: Family): number {
  return entry + (family === 4 ? LIST4 : LIST6);
}

/** The word with the number of the next entry in the bucket. */
export function chainCell(entry: number): number {
  return entry + CHAIN;
}

/** The word that begins the bucket with this entry's number. */
export function headCell(entry: number): number {
  return entry + HEAD;
}

/** Copies the info-hash at `from[at]`. */
export function copyInfoHash(from: Uint32Array, at: number, to: Uint32Array): void {
  copyWords(from, at, to, 0, INFO_HASH_WORDS);
}

/** Whether an entry has this info-hash. Without a loop, for speed. */
export function hasInfoHash(words: Uint32Array, entry: number, infoHash: Uint32Array): boolean {
  return (
    words[entry] === infoHash[0] &&
    words[entry + 1] === infoHash[1] &&
    words[entry + 2] === infoHash[2] &&
    words[entry + 3] === infoHash[3] &&
    words[entry + 4] === infoHash[4]
  );
}

/** Makes an entry that has no peers. What is in its head stays. */
export function clearEntry(words: Uint32Array, entry: number): void {
  words.fill(0, entry, entry + ENTRY_WORDS);
}

/** Writes what is known of a new swarm: when it was first announced, and that it is fresh. */
export function beginSwarm(words: Uint32Array, entry: number, now: number): void {
  words[entry + FIRST_SEEN] = now;
  words[entry + FLAGS] = FRESH;
}

/** Copies a swarm to another entry. The head stays: it belongs to the bucket with the entry's number. */
export function copyEntry(words: Uint32Array, from: number, to: number): void {
  copyWords(words, from, words, to, HEAD);
  copyWords(words, from + HEAD + 1, words, to + HEAD + 1, ENTRY_WORDS - HEAD - 1);
}

/** Clients that said they had completed the download, each counted once. */
export function downloadedOf(words: Uint32Array, entry: number): number {
  return words[entry + DOWNLOADED];
}

/** Adds to {@link downloadedOf}. */
export function addDownloaded(words: Uint32Array, entry: number, count: number): void {
  words[entry + DOWNLOADED] += count;
}

/** The first announce of a swarm. Seconds. */
export function firstSeenOf(words: Uint32Array, entry: number): number {
  return words[entry + FIRST_SEEN];
}

/** Sets {@link firstSeenOf}. */
export function setFirstSeen(words: Uint32Array, entry: number, seconds: number): void {
  words[entry + FIRST_SEEN] = seconds;
}

/** The last announce of a swarm. Seconds. */
export function lastSeenOf(words: Uint32Array, entry: number): number {
  return words[entry + LAST_SEEN];
}

/** Sets {@link lastSeenOf}. */
export function setLastSeen(words: Uint32Array, entry: number, seconds: number): void {
  words[entry + LAST_SEEN] = seconds;
}

// --- peers by kind ---

/** Announced peers of a swarm that are complete, without duplicates. */
export function completeCount(words: Uint32Array, entry: number): number {
  return words[entry + KINDS] & COMPLETE_MASK;
}

/** Counts complete peers that have come or gone. */
export function countComplete(words: Uint32Array, entry: number, by: number): void {
  words[entry + KINDS] += by;
}

/** Learned peers of a swarm. */
export function learnedCount(words: Uint32Array, entry: number): number {
  return words[entry + KINDS] >>> LEARNED_SHIFT;
}

/** Counts learned peers that have come or gone. The caller keeps {@link LEARNED_MAX}. */
export function countLearned(words: Uint32Array, entry: number, by: number): void {
  words[entry + KINDS] += by * LEARNED_ONE;
}

/** Announced peers of a swarm that are duplicates (key.ts). */
export function duplicateCount(words: Uint32Array, entry: number): number {
  const high = words[entry + LIST6 + 1] >>> DUPLICATES_SHIFT;
  return (high << DUPLICATES_BITS) | (words[entry + LIST4 + 1] >>> DUPLICATES_SHIFT);
}

/** Counts a duplicate that has come or gone. */
export function countDuplicate(words: Uint32Array, entry: number, by: 1 | -1): void {
  const count = duplicateCount(words, entry) + by;
  const at4 = entry + LIST4 + 1;
  const at6 = entry + LIST6 + 1;
  words[at4] = (words[at4] & COUNT_MASK) | ((count & DUPLICATES_LOW) << DUPLICATES_SHIFT);
  words[at6] = (words[at6] & COUNT_MASK) | ((count >>> DUPLICATES_BITS) << DUPLICATES_SHIFT);
}

// --- flags ---

/** The flags of a swarm, signed: V8 would allocate half of all unsigned words. */
export function flagsOf(words: Uint32Array, entry: number): number {
  return words[entry + FLAGS] | 0;
}

/** Whether the swarm with these flags has changed since storage last read it. */
export function hasChanged(flags: number): boolean {
  return (flags & CHANGED) !== 0;
}

/** Marks a swarm as changed. */
export function setChanged(words: Uint32Array, entry: number): void {
  words[entry + FLAGS] |= CHANGED;
}

/** Clears the mark of a change. */
export function clearChanged(words: Uint32Array, entry: number): void {
  words[entry + FLAGS] &= ~CHANGED;
}

/** Whether the stored facts of the swarm with these flags are not added to it yet. */
export function isFresh(flags: number): boolean {
  return (flags & FRESH) !== 0;
}

/** Notes that the stored facts of a swarm are added. */
export function clearFresh(words: Uint32Array, entry: number): void {
  words[entry + FLAGS] &= ~FRESH;
}

/** When other trackers are asked again (swarm-state.ts), from 1 to {@link REFRESH_CYCLE}; 0: they never were. */
export function refreshOf(words: Uint32Array, entry: number): number {
  return (words[entry + FLAGS] & REFRESH) >>> REFRESH_SHIFT;
}

/** Sets {@link refreshOf}. */
export function setRefresh(words: Uint32Array, entry: number, moment: number): void {
  words[entry + FLAGS] = (words[entry + FLAGS] & ~REFRESH) | (moment << REFRESH_SHIFT);
}

/** Whether the swarm with these flags qualifies for the hash list. */
export function isQualified(flags: number): boolean {
  return (flags & QUALIFIED) !== 0;
}

/** Whether a download inside has stalled since the swarm with these flags qualified. */
export function isStranded(flags: number): boolean {
  return (flags & STRANDED) !== 0;
}

/** Whether a swarm with these flags can strand a peer: it qualifies, and no stall is noted yet. */
export function canBeStranded(flags: number): boolean {
  return (flags & (QUALIFIED | STRANDED)) === QUALIFIED;
}

/** Notes that a download has stalled. */
export function noteStranded(words: Uint32Array, entry: number): void {
  words[entry + FLAGS] |= STRANDED;
}

/** Stalls of the swarm with these flags, {@link STRIKES_MAX} at most (hash-list/qualification.ts). */
export function strikesOf(flags: number): number {
  return (flags >>> FLAG.strikes.shift) & STRIKES_MAX;
}

/** Since when the swarm with these flags has qualified, or has had enough copies. Seconds modulo 2^20; 0: it has not. */
export function sinceOf(flags: number): number {
  return flags >>> FLAG.since.shift;
}

/** Seconds modulo 2^20, as {@link sinceOf} has them. */
export function wrapSince(seconds: number): number {
  return seconds & SINCE_MAX;
}

/** Notes what the hash list knows of a swarm. Clears the note of a stall. */
export function setQualification(
  words: Uint32Array,
  entry: number,
  { qualifies, strikes, since }: { qualifies: boolean; strikes: number; since: number },
): void {
  const noted = (qualifies ? QUALIFIED : 0) | (strikes << FLAG.strikes.shift) | (since << FLAG.since.shift);
  const flags = flagsOf(words, entry);
  const kept = (flags & ~QUALIFICATION) | noted;
  if (kept !== flags) words[entry + FLAGS] = kept;
}

// --- what is kept of a swarm that vanished (change-log.ts) ---

/** Words of the record: the info-hash, and the last words of an entry in their order. */
export const VANISHED_WORDS = INFO_HASH_WORDS + FLAGS + 1 - DOWNLOADED;
const VANISHED_BY = DOWNLOADED - INFO_HASH_WORDS;

/** Copies what is kept of a swarm to `records[at]`. */
export function copyVanished(words: Uint32Array, entry: number, records: Uint32Array, at: number): void {
  copyWords(words, entry, records, at, INFO_HASH_WORDS);
  const facts = VANISHED_WORDS - INFO_HASH_WORDS;
  copyWords(words, entry + DOWNLOADED, records, at + INFO_HASH_WORDS, facts);
}

/** The facts in the record at the front of `record`. */
export function vanishedFacts(record: Uint32Array): {
  readonly downloaded: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly fresh: boolean;
} {
  return {
    downloaded: record[DOWNLOADED - VANISHED_BY],
    firstSeen: record[FIRST_SEEN - VANISHED_BY],
    lastSeen: record[LAST_SEEN - VANISHED_BY],
    fresh: isFresh(record[FLAGS - VANISHED_BY]),
  };
}
