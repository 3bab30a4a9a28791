/**
 * A peer in memory: its address (1 word for IPv4, 4 for IPv6), then two words.
 *
 *     word A    port:16  flags:4  private:1  complete:1  group:10
 *     word B    last seen:16 (seconds, modulo 2^16)  left:12 (coarseLeft)  spare:4
 *
 * The low 12 bits of word A are the peer's *key*: peers of a swarm are kept together by it, so that an answer finds
 * the runs of peers it may give without looking at each. A record in a large list has one more word, the chain.
 */
import type { Family } from "../model/address.ts";

/** Words of an address, and of a record. */
export const ADDRESS_WORDS = { 4: 1, 6: 4 } as const satisfies Record<Family, number>;
export const RECORD_WORDS = { 4: 3, 6: 6 } as const satisfies Record<Family, number>;

/** The parts of a key. */
export const KEY_MASK = 0xfff;
export const KEY_GROUP = 0x3ff;
export const KEY_COMPLETE = 0x400;
export const KEY_PRIVATE = 0x800;

/** Flag in word A: `downloaded` has counted this peer. */
export const COUNTED = 0x1000;

/** Word A of a record without flags. */
export function packPort(port: number, key: number): number {
  return (port << 16) | key;
}

/** Word B of a record. @param now seconds; only the low 16 bits are kept, so ages are known up to 18 hours. */
export function packState(now: number, left: number): number {
  return ((now & 0xffff) << 16) | (left << 4);
}

/** Seconds since a record with this word B was last seen, if that is less than 2^16. */
export function ageOf(state: number, now: number): number {
  return (now - (state >>> 16)) & 0xffff;
}

/** `coarseLeft` of a record with this word B. */
export function leftOf(state: number): number {
  return (state >>> 4) & 0xfff;
}
