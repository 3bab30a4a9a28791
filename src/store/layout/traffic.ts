/**
 * The tables of traffic. A slot of traffic-table.ts has 4 words:
 *
 *     0      last announce:16 (seconds, modulo 2^16)  member:1  hybrid:1  tag:14 (0: the slot is free)
 *     1, 2   received, sent: KiB, modulo 2^32
 *     3      shares
 *
 * A row of hybrid-table.ts has 21 words, for a client and two info-hashes:
 *
 *     0      lock of the bucket, in the first row of a bucket
 *     1      hash of the client
 *     2      last announce of either info-hash (seconds; 0: the row is free)
 *     3, 4   left in the last announce; since when it is 0 (seconds)
 *     5      when both began (seconds)
 *     6, 7   received and sent until then, KiB
 *     8      low 32 bits of left at that time
 *     9      shares
 *     10–14  first info-hash: hash of the client and it (0: none), received, sent, last announce, its own hash
 *     15–19  second info-hash: the same
 *     20     whether the client was open with either at its last announce: 1 or 0
 *
 * Words of both:
 *
 *     shares                          of the peers returned:16  of those that could have been returned:16 (outside-shares.ts)
 *     last announce of an info-hash   seconds:31 (without the lowest bit)  stopped:1
 */
import { checkWords, defineWord } from "./word.ts";

/** Words of a slot. */
export const SLOT_WORDS = 4;
/** Words of a slot, from its first: received and sent, shares. */
export const SLOT_SUMS = 1;
export const SLOT_SHARES = 3;
checkWords("slot of the traffic table", SLOT_WORDS, {
  tag: [0, 1],
  sums: [SLOT_SUMS, 2],
  shares: [SLOT_SHARES, 1],
});

/** Words of a row. */
export const ROW_WORDS = 21;
/** Words of a row, from its first. */
export const ROW = {
  lock: 0,
  client: 1,
  seen: 2,
  left: 3,
  done: 4,
  begun: 5,
  base: 6,
  exactLeft: 8,
  shares: 9,
  first: 10,
  second: 15,
  wasOpen: 20,
} as const;
/** Words of an info-hash in a row, from its first. */
export const MEMBER_WORD = { hash: 0, sums: 1, seen: 3, swarm: 4 } as const;
const MEMBER_WORDS = 5;
checkWords("row of a pair", ROW_WORDS, {
  lock: [ROW.lock, 1],
  client: [ROW.client, 1],
  seen: [ROW.seen, 1],
  left: [ROW.left, 1],
  done: [ROW.done, 1],
  begun: [ROW.begun, 1],
  base: [ROW.base, 2],
  exactLeft: [ROW.exactLeft, 1],
  shares: [ROW.shares, 1],
  first: [ROW.first, MEMBER_WORDS],
  second: [ROW.second, MEMBER_WORDS],
  wasOpen: [ROW.wasOpen, 1],
});
checkWords("info-hash of a pair", MEMBER_WORDS, {
  hash: [MEMBER_WORD.hash, 1],
  sums: [MEMBER_WORD.sums, 2],
  seen: [MEMBER_WORD.seen, 1],
  swarm: [MEMBER_WORD.swarm, 1],
});

const SLOT = defineWord("slot of the traffic table", { seen: 16, member: 1, hybrid: 1, tag: 14 });
const SHARES = defineWord("shares of outside peers", { returned: 16, random: 16 });
const LAST = defineWord("last announce of a pair", { seconds: 31, stopped: 1 });

const SEEN_SHIFT = SLOT.seen.shift;
const SEEN_MAX = SLOT.seen.max;
const MEMBER = SLOT.member.mask;
const HYBRID = SLOT.hybrid.mask;
const TAG = SLOT.tag.mask;
const TAG_SHIFT = 32 - 14;
const RETURNED_SHIFT = SHARES.returned.shift;
const RANDOM = SHARES.random.mask;
const STOPPED = LAST.stopped.mask;

/** A share of all. */
export const WHOLE = SHARES.random.max;

/** The tag of a client, from the high bits of a hash; never 0. @param member its address is in a peer group. */
export function slotTag(hash: number, member: boolean): number {
  return (hash >>> TAG_SHIFT || 1) | (member ? MEMBER : 0);
}

/** The tag in a slot, with the bit of members. */
export function tagOf(slot: number): number {
  return slot & (MEMBER | TAG);
}

/** Whether a tag is that of an address in a peer group. */
export function isMemberTag(tag: number): boolean {
  return (tag & MEMBER) !== 0;
}

/** The tag of the same client in a peer group. */
export function memberTag(tag: number): number {
  return tag | MEMBER;
}

/** A client's hash in the table of pairs: each of its two slots has its own. */
export function pairClient(client: number, tag: number): number {
  return client ^ (tag & MEMBER);
}

/** Whether the table of pairs has a row for the slot. */
export function hasHybrid(slot: number): boolean {
  return (slot & HYBRID) !== 0;
}

/** The word of a slot that announces now. */
export function packSlot(now: number, hybrid: boolean, tag: number): number {
  return (now << SEEN_SHIFT) | (hybrid ? HYBRID : 0) | tag;
}

/** Seconds since a slot was written, modulo 2^16. */
export function slotAge(slot: number, now: number): number {
  return (now - (slot >>> SEEN_SHIFT)) & SEEN_MAX;
}

/** Two shares, in parts of {@link WHOLE}. */
export function packShares(returned: number, random: number): number {
  return (returned << RETURNED_SHIFT) | random;
}

/** The share of outside peers among those returned. */
export function returnedShare(shares: number): number {
  return shares >>> RETURNED_SHIFT;
}

/** The share of outside peers among those that could have been returned. */
export function randomShare(shares: number): number {
  return shares & RANDOM;
}

/** The last announce of one info-hash of a pair. */
export function packLast(now: number, stopped: boolean): number {
  return (now & ~STOPPED) | (stopped ? STOPPED : 0);
}

/** Whether that was the last one of all. */
export function hasStopped(last: number): boolean {
  return (last & STOPPED) !== 0;
}
