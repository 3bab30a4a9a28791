/**
 * A peer in memory: its address (1 word for IPv4, 4 for IPv6), then two words.
 *
 *     word A    port:16  identity:1  duplicate:1  learned:1  mark or proven:1  private:1  complete:1  group:10
 *     word B    incomplete   last seen:16 (seconds, modulo 2^16)  identity:1  left:11 (coarseLeft)  progress:4 (ticks)
 *               complete     last seen:16  identity:9  dwell:6  counted:1
 *               learned      source:13  expires:19 (in units of 4 seconds, modulo 2^19)
 *
 * The low 15 bits of word A are the peer's *key*. Peers of a swarm with equal keys lie side by side, so that an answer
 * finds the runs of peers that it may return without a look at each. A record in a large list has one more word, the
 * chain.
 *
 * - *Learned*: another tracker named the peer. All others have announced themselves and are *announced*.
 * - *Duplicate*: another address of a client that has a counted record in this swarm (client-pairs.ts). It is returned to
 *   clients, and counts nowhere.
 * - *Marked*, of an incomplete peer: the selection policy set the mark and knows its meaning.
 * - *Proven*, the same bit of a complete peer: its copy is believed to exist.
 * - *Unconfirmed*, the same bit of a learned peer: few clients use the tracker that named it.
 * - *Identity*: bits of a keyed hash of the client (client-identity.ts), 2 of an incomplete peer and 10 of a complete one.
 *   There is none if the two highest bits are 0.
 * - *Dwell*: how long a copy has been announced, in 64ths of the time after which it is proven.
 */
import type { Family } from "../model/address.ts";
import { LEFT_MAX, leftBytes } from "../model/announce.ts";

/** Words of an address, and of a record. */
export const ADDRESS_WORDS = { 4: 1, 6: 4 } as const satisfies Record<Family, number>;
export const RECORD_WORDS = { 4: 3, 6: 6 } as const satisfies Record<Family, number>;

/** The parts of a key. KEY_MARKED and KEY_PROVEN are one bit: the former without KEY_COMPLETE, the latter with it. */
export const KEY_MASK = 0x7fff;
export const KEY_GROUP = 0x3ff;
export const KEY_COMPLETE = 0x400;
export const KEY_PRIVATE = 0x800;
export const KEY_MARKED = 0x1000;
export const KEY_PROVEN = 0x1000;
export const KEY_LEARNED = 0x2000;
export const KEY_DUPLICATE = 0x4000;

/** Whether a key is that of a marked peer: the selection policy says what the mark means. */
export function isMarked(key: number): boolean {
  return (key & (KEY_MARKED | KEY_COMPLETE | KEY_LEARNED)) === KEY_MARKED;
}

/** In word B of a complete peer: `downloaded` has counted it. */
export const COUNTED = 1;

/** Bits of an identity, and those of it that an incomplete peer's record has room for. */
export const IDENTITY_BITS = 10;
const IDENTITY_A = 0x8000;
const DWELL_SHIFT = 1;
/** The longest dwell that a record can hold. */
export const DWELL_MAX = 63;

/** The key of an unconfirmed peer has both of these bits. */
export const KEY_UNCONFIRMED = KEY_LEARNED | KEY_MARKED;

/**
 * Whether the peer with this key is unconfirmed: only an upstream tracker that few clients use has named it. It is
 * returned to clients that announce to that tracker, and to nobody else.
 */
export function isUnconfirmed(key: number): boolean {
  return (key & (KEY_UNCONFIRMED | KEY_COMPLETE)) === KEY_UNCONFIRMED;
}

const EXPIRY_SHIFT = 2;
const SOURCE_SHIFT = 19;
const EXPIRY_MASK = 0x7ffff;

/** Numbers of the trackers that peers are learned from are below this. */
export const SOURCES = 1 << (32 - SOURCE_SHIFT);

/** Word A of a record without flags. */
export function packPort(port: number, key: number): number {
  return (port << 16) | key;
}

/** Word A of a record with another identity. @param identity of {@link IDENTITY_BITS} bits. */
export function withIdentity(wordA: number, identity: number): number {
  return (wordA & ~IDENTITY_A) | ((identity >>> 9) * IDENTITY_A);
}

/**
 * Word B of an incomplete peer that has just been heard of.
 * @param now seconds; ages are known up to 18 hours.
 * @param identity of {@link IDENTITY_BITS} bits; the highest is in word A.
 */
export function packLeecher(now: number, identity: number, left: number, progress: number): number {
  return ((now & 0xffff) << 16) | ((identity & 0x100) << 7) | (left << 4) | progress;
}

/** Word B of a complete peer that has just been heard of. @param counted {@link COUNTED} or 0. */
export function packSeeder(now: number, identity: number, dwell: number, counted: number): number {
  return ((now & 0xffff) << 16) | ((identity & 0x1ff) << 7) | (dwell << DWELL_SHIFT) | counted;
}

/** The identity in a record: all {@link IDENTITY_BITS} bits of a complete peer, the two highest of an incomplete one. */
export function identityOf(wordA: number, wordB: number): number {
  const high = (wordA & IDENTITY_A) >>> 6;
  return (wordA & KEY_COMPLETE) === 0 ? high | ((wordB & 0x8000) >>> 7) : high | ((wordB >>> 7) & 0x1ff);
}

/** The dwell in word B of a complete peer. */
export function dwellOf(state: number): number {
  return (state >>> DWELL_SHIFT) & DWELL_MAX;
}

/** Ages above this are of peers that another worker, whose clock is a tick ahead, has just heard of. */
const AGE_LIMIT = 0xffff - 60;

/** Seconds since a record with this word B was last seen, if that is less than 2^16 - 60. */
export function ageOf(state: number, now: number): number {
  const age = (now - (state >>> 16)) & 0xffff;
  return age > AGE_LIMIT ? 0 : age;
}

/** `coarseLeft` of an incomplete peer with this word B. */
export function leftOf(state: number): number {
  return (state >>> 4) & LEFT_MAX;
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

/** Ticks back that are noted for a stalled peer: enough for it to stay stalled until it is next heard of. */
const STALLED_BACK = STALL_TICKS + 2;

/** How often a record can note that its download has stalled on a torrent of the hash list. */
export const STRANDINGS_MAX = 4;

/**
 * The tick to note for a peer known to be stalled.
 * @param strandings how often it has been found so on a listed torrent; {@link STRANDINGS_MAX} at most.
 */
export function stalledTick(tick: number, strandings: number): number {
  return (tick - STALLED_BACK - strandings) & 15;
}

/** How often the peer with this word B has been found stalled on a listed torrent since its download last moved. */
export function strandingsOf(state: number, now: number, stallSeconds: number): number {
  const back = (progressTick(now - ageOf(state, now), stallSeconds) - (state & 15)) & 15;
  return back < STALLED_BACK ? 0 : Math.min(back - STALLED_BACK, STRANDINGS_MAX);
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
 * @param source its number, below {@link SOURCES}.
 * @param expiresAt seconds; at most twelve days ahead.
 */
export function packLearned(source: number, expiresAt: number): number {
  return ((source << SOURCE_SHIFT) | (Math.floor(expiresAt / 2 ** EXPIRY_SHIFT) & EXPIRY_MASK)) >>> 0;
}

/** Who has named the learned peer with this word B. */
export function sourceOf(learned: number): number {
  return learned >>> SOURCE_SHIFT;
}

/** Whether the learned peer with one word B is forgotten no earlier than that with another. */
function outlives(learned: number, other: number): boolean {
  return ((learned - other) & EXPIRY_MASK) <= EXPIRY_MASK >>> 1;
}

/** Word B of the learned peer with word B `old`, when it has been named again with word B `learned`: the later expiry counts. */
export function renewedState(learned: number, old: number): number {
  return outlives(learned, old) ? learned : ((learned & ~EXPIRY_MASK) | (old & EXPIRY_MASK)) >>> 0;
}

/** Whether the time of the learned peer with this word B has come. @param now seconds. */
export function isForgotten(learned: number, now: number): boolean {
  const late = (Math.floor(now / 2 ** EXPIRY_SHIFT) - learned) & EXPIRY_MASK;
  return late <= EXPIRY_MASK >>> 1;
}
