/**
 * A peer in memory: its address (1 word for IPv4, 4 for IPv6), then two words.
 *
 *     word A    port:16  flags:2  learned:1  bridge:1  private:1  complete:1  group:10
 *     word B    last seen:16 (seconds, modulo 2^16)  left:12 (coarseLeft)  progress:4 (ticks, modulo 16)
 *               of a learned peer: source:7  expires:25 (in units of 4 seconds, modulo 2^25)
 *
 * The low 14 bits of word A are the peer's *key*: peers of a swarm are kept together by it, so that an answer finds
 * the runs of peers it may give without looking at each. A record in a large list has one more word, the chain.
 *
 * A *learned* peer is one that another tracker has named; all others have announced themselves, and are *announced*.
 */
import type { Family } from "../model/address.ts";
import { LEFT_MAX, leftBytes } from "../model/announce.ts";

/** Words of an address, and of a record. */
export const ADDRESS_WORDS = { 4: 1, 6: 4 } as const satisfies Record<Family, number>;
export const RECORD_WORDS = { 4: 3, 6: 6 } as const satisfies Record<Family, number>;

/** The parts of a key. */
export const KEY_MASK = 0x3fff;
export const KEY_GROUP = 0x3ff;
export const KEY_COMPLETE = 0x400;
export const KEY_PRIVATE = 0x800;
export const KEY_BRIDGE = 0x1000;
export const KEY_LEARNED = 0x2000;

/** Flag in word A: `downloaded` has counted this peer. */
export const COUNTED = 0x4000;

const EXPIRY_SHIFT = 2;
const EXPIRY_MASK = 0x1ffffff;

/** Word A of a record without flags. */
export function packPort(port: number, key: number): number {
  return (port << 16) | key;
}

/** Word B of a peer that has just been heard of. @param now seconds; ages are known up to 18 hours. */
export function packState(now: number, left: number, progress: number): number {
  return ((now & 0xffff) << 16) | (left << 4) | progress;
}

/** Ages above this are of peers that another worker, whose clock is a tick ahead, has just heard of. */
const AGE_LIMIT = 0xffff - 60;

/** Seconds since a record with this word B was last seen, if that is less than 2^16 - 60. */
export function ageOf(state: number, now: number): number {
  const age = (now - (state >>> 16)) & 0xffff;
  return age > AGE_LIMIT ? 0 : age;
}

/** `coarseLeft` of a record with this word B. */
export function leftOf(state: number): number {
  return (state >>> 4) & 0xfff;
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
  return Math.floor((now * STALL_TICKS) / stallSeconds) & 15;
}

/** The tick to note for a peer known to be stalled: far enough back to stay so until it is next heard of. */
export function stalledTick(tick: number): number {
  return (tick - 2 * STALL_TICKS) & 15;
}

/**
 * Whether a peer that now has `left` has made no progress since an announce at least `stallSeconds` ago (up to a
 * quarter more: ticks are coarse), given word B of its record so far.
 */
export function hasStalled(state: number, now: number, left: number, stallSeconds: number): boolean {
  if (left === 0 || left < leftOf(state)) return false;
  const ticks = (progressTick(now, stallSeconds) - (state & 15)) & 15;
  // One back: another worker's clock, a little ahead, has come to the next tick.
  return ageOf(state, now) >= stallSeconds || (ticks > STALL_TICKS && ticks !== 15);
}

/**
 * Word B of a peer that another tracker has named.
 * @param source its number, below 128.
 * @param expiresAt seconds; at most two years ahead.
 */
export function packLearned(source: number, expiresAt: number): number {
  return ((source << 25) | (Math.floor(expiresAt / 2 ** EXPIRY_SHIFT) & EXPIRY_MASK)) >>> 0;
}

/** Who has named the learned peer with this word B. */
export function sourceOf(learned: number): number {
  return learned >>> 25;
}

/** Whether the learned peer with one word B is forgotten no earlier than that with another. */
export function outlives(learned: number, other: number): boolean {
  return ((learned - other) & EXPIRY_MASK) <= EXPIRY_MASK >>> 1;
}

/** Whether the time of the learned peer with this word B has come. @param now seconds. */
export function isForgotten(learned: number, now: number): boolean {
  const late = (Math.floor(now / 2 ** EXPIRY_SHIFT) - learned) & EXPIRY_MASK;
  return late <= EXPIRY_MASK >>> 1;
}
