/**
 * Words of a swarm's entry (swarm-table.ts) that hold several things:
 *
 *     8     duplicates:11, the low bits  IPv4 peers:21 (list-count.ts)
 *     10    duplicates:11, the high bits  IPv6 peers:21
 *     11    learned:10 (peer-record.ts)  complete:22, without the learned and the duplicates
 *     15    bits 9 to 31: the hash list's  stranded:1  refresh:5  flags:3 ({@link SWARM_FLAG})
 *
 * Refresh is from when on other trackers are to be asked: eighths of the time between two questions, 1 + the number of
 * eighths since 1970 modulo 31, and 0 as long as they never were. What lies more than 22 eighths back looks like ahead:
 * of a swarm that was not announced for so long, others may be asked a little later.
 */
import { LIST_COUNT_BITS, LIST_COUNT_MASK } from "./list-count.ts";
import { KEY_COMPLETE, KEY_DUPLICATE, KEY_LEARNED } from "./peer-record.ts";
import { ENTRY } from "./swarm-table.ts";

/**
 * Flags of a swarm. Changed: since storage last read it. Fresh: what is kept of it from before it last vanished has not
 * been added to it yet. Qualified: for the hash list (hash-list/qualification.ts). Stranded: a download has stalled inside
 * since it last qualified.
 */
export const SWARM_FLAG = { changed: 1, fresh: 2, qualified: 4, stranded: 256 } as const;

/** Most learned peers of a swarm. */
export const LEARNED_MAX = 0x3ff;
const LEARNED_SHIFT = 22;
const COMPLETE_MASK = 0x3fffff;

const REFRESH_SHIFT = 3;
const REFRESH_MASK = 31 << REFRESH_SHIFT;
const REFRESH_PARTS = 8;
const REFRESH_CYCLE = 31;
/** Ahead are at most nine. */
const REFRESH_BEHIND = 22;

/** Where the two parts of the number of duplicates are. */
const DUPLICATES_LOW_BITS = 32 - LIST_COUNT_BITS;
const DUPLICATES_LOW = (1 << DUPLICATES_LOW_BITS) - 1;

/** Announced peers of a swarm that are complete. */
export function completeCount(words: Uint32Array, entry: number): number {
  return words[entry + ENTRY.complete] & COMPLETE_MASK;
}

/** Counts complete peers that have come or gone. Lists cannot be so long (heap.ts) that they are too many. */
function countComplete(words: Uint32Array, entry: number, by: number): void {
  words[entry + ENTRY.complete] += by;
}

/** How many learned peers a swarm has. */
export function learnedCount(words: Uint32Array, entry: number): number {
  return words[entry + ENTRY.complete] >>> LEARNED_SHIFT;
}

/** Counts learned peers that have come or gone. Never beyond {@link LEARNED_MAX}: the caller sees to that. */
function countLearned(words: Uint32Array, entry: number, by: number): void {
  words[entry + ENTRY.complete] += by * (1 << LEARNED_SHIFT);
}

/** How many announced peers of a swarm are duplicates (peer-record.ts). */
export function duplicateCount(words: Uint32Array, entry: number): number {
  const high = words[entry + ENTRY.peers6] >>> LIST_COUNT_BITS;
  return (high << DUPLICATES_LOW_BITS) | (words[entry + ENTRY.peers4] >>> LIST_COUNT_BITS);
}

/** Counts a duplicate that has come or gone. Lists cannot be so long that they are too many. */
function countDuplicate(words: Uint32Array, entry: number, by: 1 | -1): void {
  const count = duplicateCount(words, entry) + by;
  const at4 = entry + ENTRY.peers4;
  const at6 = entry + ENTRY.peers6;
  words[at4] = (words[at4] & LIST_COUNT_MASK) | ((count & DUPLICATES_LOW) << LIST_COUNT_BITS);
  words[at6] = (words[at6] & LIST_COUNT_MASK) | ((count >>> DUPLICATES_LOW_BITS) << LIST_COUNT_BITS);
}

/** Counts a peer with this key (peer-record.ts), come or gone, as learned, as a duplicate, or as complete. */
export function countKind(words: Uint32Array, entry: number, key: number, by: 1 | -1): void {
  if ((key & KEY_LEARNED) !== 0) countLearned(words, entry, by);
  else if ((key & KEY_DUPLICATE) !== 0) countDuplicate(words, entry, by);
  else if ((key & KEY_COMPLETE) !== 0) countComplete(words, entry, by);
}

/** Whether they have been asked ever. */
export function wasRefreshed(words: Uint32Array, entry: number): boolean {
  return (words[entry + ENTRY.flags] & REFRESH_MASK) !== 0;
}

/** Whether other trackers are to be asked. @param now seconds. @param interval seconds between two questions. */
export function isRefreshDue(words: Uint32Array, entry: number, now: number, interval: number): boolean {
  const at = (words[entry + ENTRY.flags] & REFRESH_MASK) >>> REFRESH_SHIFT;
  if (at === 0) return true;
  const eighths = Math.floor((now * REFRESH_PARTS) / interval);
  return (eighths + REFRESH_CYCLE - (at - 1)) % REFRESH_CYCLE < REFRESH_BEHIND;
}

/** Notes that they are being asked. */
export function setRefreshed(words: Uint32Array, entry: number, now: number, interval: number): void {
  const due = Math.ceil((now * REFRESH_PARTS) / interval) + REFRESH_PARTS;
  const flagsAt = entry + ENTRY.flags;
  words[flagsAt] = (words[flagsAt] & ~REFRESH_MASK) | ((1 + (due % REFRESH_CYCLE)) << REFRESH_SHIFT);
}

/** Whether the hash list can have stranded a peer of a swarm: it is listed. Once is enough until the list has looked. */
export function canBeStranded(flags: number): boolean {
  return (flags & (SWARM_FLAG.qualified | SWARM_FLAG.stranded)) === SWARM_FLAG.qualified;
}

/** Notes that it may have. */
export function noteStranded(words: Uint32Array, entry: number): void {
  words[entry + ENTRY.flags] |= SWARM_FLAG.stranded;
}
