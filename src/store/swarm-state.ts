/** Counts of a swarm, and the time when other trackers are asked again. Both are in its entry (layout/entry.ts). */
import {
  countComplete,
  countDuplicate,
  countLearned,
  REFRESH_CYCLE,
  refreshOf,
  setRefresh,
} from "./layout/entry.ts";
import { isComplete, isDuplicate, isLearned } from "./layout/key.ts";

/**
 * The moment of a refresh is counted in eighths of the time between two refreshes. An entry holds 1 + the number of
 * eighths since 1970 modulo 31. A moment that is more than 22 eighths in the past seems to be in the future. Then a swarm
 * that was not announced for so long is refreshed a little later.
 */
const REFRESH_PARTS = 8;
/** A moment in the future is at most nine eighths ahead. */
const REFRESH_BEHIND = REFRESH_CYCLE - (REFRESH_PARTS + 1);

/** Counts an added or removed peer with this key as learned, as a duplicate, or as complete. */
export function countKind(words: Uint32Array, entry: number, key: number, by: 1 | -1): void {
  if (isLearned(key)) countLearned(words, entry, by);
  else if (isDuplicate(key)) countDuplicate(words, entry, by);
  else if (isComplete(key)) countComplete(words, entry, by);
}

/** Whether other trackers have ever been asked about a swarm. */
export function wasRefreshed(words: Uint32Array, entry: number): boolean {
  return refreshOf(words, entry) !== 0;
}

/** Whether other trackers must be asked. @param now seconds. @param interval seconds between two refreshes. */
export function isRefreshDue(words: Uint32Array, entry: number, now: number, interval: number): boolean {
  const moment = refreshOf(words, entry);
  if (moment === 0) return true;
  const eighths = Math.floor((now * REFRESH_PARTS) / interval);
  return (eighths + REFRESH_CYCLE - (moment - 1)) % REFRESH_CYCLE < REFRESH_BEHIND;
}

/** Records that other trackers are being asked. */
export function setRefreshed(words: Uint32Array, entry: number, now: number, interval: number): void {
  const due = Math.ceil((now * REFRESH_PARTS) / interval) + REFRESH_PARTS;
  setRefresh(words, entry, 1 + (due % REFRESH_CYCLE));
}
