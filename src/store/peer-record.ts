/** What follows from word B of a peer's record (layout/peer.ts): its age, and how its download goes. */
import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import { leftOf, PROGRESS_CYCLE, progressOf, secondsSince, wrapProgress } from "./layout/peer.ts";

/** A higher age means that another worker, whose clock is a tick ahead, has just written the record. */
const AGE_LIMIT = 0xffff - 60;

/** Seconds since the last announce of a record with this word B, if that is less than 2^16 - 60. */
export function ageOf(state: number, now: number): number {
  const age = secondsSince(state, now);
  return age > AGE_LIMIT ? 0 : age;
}

/**
 * An upper bound for the speed of a download, in bytes a second, since its record had this word B. It is an upper bound
 * because `left` is coarse. Infinity if the record was written in the same second.
 */
export function paceOf(state: number, now: number, left: number): number {
  const bytes = leftBytes(Math.min(leftOf(state) + 1, LEFT_MAX)) - leftBytes(left);
  return Math.max(0, bytes) / ageOf(state, now);
}

/** Ticks in the time without progress after which a download has stalled. A field of 4 bits counts to 15 of them. */
const STALL_TICKS = 4;

/** The tick at `now`. A tick is a quarter of the time after which a download has stalled. */
export function progressTick(now: number, stallSeconds: number): number {
  return wrapProgress(Math.floor((now * STALL_TICKS) / stallSeconds));
}

/** A stalled peer gets a tick this far in the past, so that it still counts as stalled at its next announce. */
const STALLED_BACK = STALL_TICKS + 2;

/** The maximum of strandings that a record counts: stalls of its download while the hash list has its torrent. */
export const STRANDINGS_MAX = 4;

// The tick that is one ahead must differ from the farthest one back.
if (STALLED_BACK + STRANDINGS_MAX >= PROGRESS_CYCLE - 1) throw new RangeError("too few bits for ticks");

/**
 * The tick for the record of a stalled peer.
 * @param strandings how often it has stalled while its torrent was listed; {@link STRANDINGS_MAX} at most.
 */
export function stalledTick(tick: number, strandings: number): number {
  return wrapProgress(tick - STALLED_BACK - strandings);
}

/** How often the peer with this word B has stalled while its torrent was listed, since its last progress. */
export function strandingsOf(state: number, now: number, stallSeconds: number): number {
  const back = wrapProgress(progressTick(now - ageOf(state, now), stallSeconds) - progressOf(state));
  return back < STALLED_BACK ? 0 : Math.min(back - STALLED_BACK, STRANDINGS_MAX);
}

/**
 * Seconds without progress at the last announce of a record; Infinity if the download had stalled. The time is in whole
 * ticks: it is 0 for less than a quarter of `stallSeconds`.
 */
export function idleSecondsOf(state: number, now: number, stallSeconds: number): number {
  const back = idleTicks(state, now - ageOf(state, now), stallSeconds);
  return back >= STALLED_BACK ? Number.POSITIVE_INFINITY : (back * stallSeconds) / STALL_TICKS;
}

/**
 * Whether a peer that now announces `left` has made no progress for `stallSeconds`. As ticks are coarse, it may be up to a
 * quarter more.
 * @param state word B of its record until now.
 */
export function hasStalled(state: number, now: number, left: number, stallSeconds: number): boolean {
  if (left === 0 || left < leftOf(state)) return false;
  const ticks = wrapProgress(progressTick(now, stallSeconds) - progressOf(state));
  // A tick that is one ahead was written by another worker, whose clock is a little ahead.
  return ageOf(state, now) >= stallSeconds || (ticks > STALL_TICKS && ticks !== PROGRESS_CYCLE - 1);
}

/** Ticks without progress that two announces show. They come within half of the time of a stall, give or take a tenth. */
const TWICE = 3;

/** Whether a download had got nothing at its last two announces. @param state word B of its record. */
export function gotNothingTwice(state: number, now: number, stallSeconds: number): boolean {
  return idleTicks(state, now - ageOf(state, now), stallSeconds) >= TWICE;
}

/**
 * Whether a record, whose download makes no progress with an announce at `now`, gets idle with it ({@link idleSecondsOf}), or
 * has got nothing twice with it ({@link gotNothingTwice}).
 */
export function becomesIdle(state: number, now: number, stallSeconds: number): boolean {
  const ticks = idleTicks(state, now, stallSeconds);
  const before = idleTicks(state, now - ageOf(state, now), stallSeconds);
  return (before === 0 && ticks > 0) || (before < TWICE && ticks >= TWICE);
}

/** Ticks from the last progress of a record to `at`. */
function idleTicks(state: number, at: number, stallSeconds: number): number {
  const back = wrapProgress(progressTick(at, stallSeconds) - progressOf(state));
  // A tick that is one ahead was written by another worker, whose clock is a little ahead.
  return back === PROGRESS_CYCLE - 1 ? 0 : back;
}
