/**
 * Words of the tables of traffic (traffic-table.ts, hybrid-table.ts):
 *
 *     slot          last announce:16 (seconds, modulo 2^16)  member:1  hybrid:1  tag:14 (0: the slot is free)
 *     shares        of the peers returned:16  of those that could have been returned:16 (outside-shares.ts)
 *     last announce of one info-hash of a pair     seconds:31 (without the lowest bit)  stopped:1
 */
import { defineWord } from "./word.ts";

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
