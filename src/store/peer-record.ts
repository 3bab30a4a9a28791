/** What follows from word B of a peer's record (layout/peer.ts): its age, and how its download goes. */
import { LEFT_MAX, leftBytes } from "../model/announce.ts";
import { leftOf, PROGRESS_CYCLE, progressOf, secondsSince, wrapProgress } from "./layout/peer.ts";

/** Ages above this are of peers that another worker, whose clock is a tick ahead, has just heard of. */
const AGE_LIMIT = 0xffff - 60;

/** Seconds since a record with this word B was last seen, if that is less than 2^16 - 60. */
export function ageOf(state: number, now: number): number {
  const age = secondsSince(state, now);
  return age > AGE_LIMIT ? 0 : age;
}

/**
 * Bytes a second that a download got since its record had this word B, and now has `left`; at most: both are coarse.
 * Infinite when that was in this very second.
 */
export function paceOf(state: number, now: number, left: number): number {
  const bytes = leftBytes(Math.min(leftOf(state) + 1, LEFT_MAX)) - leftBytes(left);
  return Math.max(0, bytes) / ageOf(state, now);
}

/** Ticks in the time without progress after which a download stalls: 4 bits count three times as many. */
const STALL_TICKS = 4;

/** The tick at `now`: a quarter of the time after which a download stalls. */
export function progressTick(now: number, stallSeconds: number): number {
  return wrapProgress(Math.floor((now * STALL_TICKS) / stallSeconds));
}

/** Ticks back that are noted for a stalled peer: enough for it to stay stalled until it is next heard of. */
const STALLED_BACK = STALL_TICKS + 2;

/** How often a record can note that its download has stalled on a torrent of the hash list. */
export const STRANDINGS_MAX = 4;

// The tick that is one ahead must differ from the farthest one back.
if (STALLED_BACK + STRANDINGS_MAX >= PROGRESS_CYCLE - 1) throw new RangeError("too few bits for ticks");

/**
 * The tick to note for a peer known to be stalled.
 * @param strandings how often it has been found so on a listed torrent; {@link STRANDINGS_MAX} at most.
 */
export function stalledTick(tick: number, strandings: number): number {
  return wrapProgress(tick - STALLED_BACK - strandings);
}

/** How often the peer with this word B has been found stalled on a listed torrent since its download last moved. */
export function strandingsOf(state: number, now: number, stallSeconds: number): number {
  const back = wrapProgress(progressTick(now - ageOf(state, now), stallSeconds) - progressOf(state));
  return back < STALLED_BACK ? 0 : Math.min(back - STALLED_BACK, STRANDINGS_MAX);
}

/**
 * Seconds for which the download of a record had made no progress when it last announced; Infinity once it was known to
 * have stalled. In whole ticks, so that it is 0 for less than a quarter of `stallSeconds`, and may be that for a second.
 */
export function idleSecondsOf(state: number, now: number, stallSeconds: number): number {
  const back = wrapProgress(progressTick(now - ageOf(state, now), stallSeconds) - progressOf(state));
  if (back === PROGRESS_CYCLE - 1) return 0;
  return back >= STALLED_BACK ? Number.POSITIVE_INFINITY : (back * stallSeconds) / STALL_TICKS;
}

/**
 * Whether a peer that now has `left` has made no progress since an announce at least `stallSeconds` ago (up to a
 * quarter more: ticks are coarse), given word B of its record so far.
 */
export function hasStalled(state: number, now: number, left: number, stallSeconds: number): boolean {
  if (left === 0 || left < leftOf(state)) return false;
  const ticks = wrapProgress(progressTick(now, stallSeconds) - progressOf(state));
  // One back: another worker's clock, a little ahead, has come to the next tick.
  return ageOf(state, now) >= stallSeconds || (ticks > STALL_TICKS && ticks !== PROGRESS_CYCLE - 1);
}
