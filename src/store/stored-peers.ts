/**
 * The peers of a swarm as bytes in a database: what their clients reported. Groups, tiers and marks are not stored, since
 * the configuration may have changed when the peers are loaded. Learned peers are not stored, since their tracker is asked
 * again when the swarm is announced. Numbers are big-endian.
 *
 *     header    format:8 (2)  time:32 (seconds; ages are as of then)  IPv4 peers:32
 *     peer      address:32 or 128  port:16  age:16 (seconds)  flags:5  left:11 (coarseLeft)
 *
 * IPv4 peers come first; IPv6 peers fill the rest. Flag 8 of a complete peer: `downloaded` has counted it. Flag 16:
 * its copy was proven. Format 1 had flags:4 (1: counted)  left:12, with other steps.
 */
import { Address, type Family, readPort, readWord, writePort, writeWord } from "../model/address.ts";
import { coarseLeft, LEFT_MAX } from "../model/announce.ts";
import { isComplete, isLearned, isProven, portOf } from "./layout/key.ts";
import { ADDRESS_WORDS, isCounted, leftOf, wordAOf, wordBAt } from "./layout/peer.ts";
import { ageOf } from "./peer-record.ts";
import type { SwarmStore } from "./swarm-store.ts";

const FORMAT = 2;
const FORMAT_1 = 1;

/** In the last 16 bits of a peer. */
const FLAG = { counted: 0x4000, proven: 0x8000 } as const;
const FLAG_1_COUNTED = 0x1000;

/** Bytes before the first peer. */
export const STORED_HEADER_BYTES = 9;

/** Bytes of a peer. */
export const STORED_PEER_BYTES = { 4: 10, 6: 22 } as const satisfies Record<Family, number>;

/** A stored peer that was read. Mutable. */
class StoredPeer {
  readonly address = new Address();
  port = 0;
  /** Seconds since its last announce, as of the header's time. */
  age = 0;
  /** The missing bytes, by coarseLeft. */
  left = 0;
  /** Whether `downloaded` has counted it. Only for a complete peer. */
  counted = false;
  /** Whether its copy was proven (layout/key.ts). */
  proven = false;
}

/** Writes the header. */
export function writeStoredHeader(out: Uint8Array, time: number, ipv4Peers: number): void {
  out[0] = FORMAT;
  writeWord(out, 1, time);
  writeWord(out, 5, ipv4Peers);
}

/** The peers `[from, to)` of a list. */
export interface ListRange {
  readonly cell: number;
  readonly family: Family;
  readonly from: number;
  readonly to: number;
}

/**
 * Writes the announced peers of a part of a list. The caller holds the shard.
 * @param time seconds; ages are as of then.
 * @returns the offset after them.
 */
export function writeStoredPeers(
  store: SwarmStore,
  { cell, family, from, to }: ListRange,
  time: number,
  out: Uint8Array,
  offset: number,
): number {
  const { words } = store;
  const list = store.list(family);
  let at = offset;
  for (let position = from; position < to; position++) {
    const record = list.recordAt(cell, position);
    const wordA = wordAOf(record, family);
    const [key, state] = [words[wordA], wordBAt(words, wordA)];
    if (isLearned(key)) continue;
    for (let w = record; w < wordA; w++, at += 4) writeWord(out, at, words[w]);
    writePort(out, at, portOf(key));
    writePort(out, at + 2, ageOf(state, time));
    writePort(out, at + 4, lastBits(key, state));
    at += 6;
  }
  return at;
}

/** The last 16 bits of a peer with these words A and B. */
function lastBits(key: number, state: number): number {
  if (!isComplete(key)) return leftOf(state);
  return (isCounted(state) ? FLAG.counted : 0) + (isProven(key) ? FLAG.proven : 0);
}

/**
 * Reads stored peers, one at a time.
 * @throws Error if the bytes are not valid: they come from a database, which may be damaged.
 */
export class StoredPeersReader {
  /** Seconds; ages are as of then. */
  readonly time: number;
  readonly peer = new StoredPeer();
  readonly #bytes: Uint8Array;
  readonly #ipv4End: number;
  #at = STORED_HEADER_BYTES;

  constructor(bytes: Uint8Array) {
    const isKnown = bytes[0] === FORMAT || bytes[0] === FORMAT_1;
    if (bytes.length < STORED_HEADER_BYTES || !isKnown) throw new Error("the bytes are not stored peers");
    this.time = readWord(bytes, 1);
    this.#bytes = bytes;
    this.#ipv4End = STORED_HEADER_BYTES + readWord(bytes, 5) * STORED_PEER_BYTES[4];
    const rest = bytes.length - this.#ipv4End;
    if (rest < 0 || rest % STORED_PEER_BYTES[6] !== 0) throw new Error("stored peers have the wrong length");
  }

  /** Reads the next one into {@link peer}. @returns false after the last. */
  next(): boolean {
    const bytes = this.#bytes;
    if (this.#at === bytes.length) return false;
    const { peer } = this;
    const start = this.#at;
    const family = start < this.#ipv4End ? 4 : 6;
    const at = start + ADDRESS_WORDS[family] * 4;
    if (family === 4) peer.address.setIPv4(readWord(bytes, start));
    else peer.address.setBytes(bytes, start);
    peer.port = readPort(bytes, at);
    peer.age = readPort(bytes, at + 2);
    this.#readLast(readPort(bytes, at + 4));
    this.#at = start + STORED_PEER_BYTES[family];
    return true;
  }

  #readLast(last: number): void {
    const { peer } = this;
    const isOld = this.#bytes[0] === FORMAT_1;
    peer.left = isOld ? leftOfFormat1(last & 0xfff) : last & LEFT_MAX;
    peer.counted = peer.left === 0 && (last & (isOld ? FLAG_1_COUNTED : FLAG.counted)) !== 0;
    peer.proven = !isOld && peer.left === 0 && (last & FLAG.proven) !== 0;
  }
}

/** Converts `left` of format 1: 12 bits, 6 of exponent and 6 of mantissa, in bytes. */
function leftOfFormat1(left: number): number {
  if (left < 64) return coarseLeft(left);
  const exponent = (left >> 6) - 1;
  return left === 0xfff ? LEFT_MAX : coarseLeft((left - exponent * 64) * 2 ** exponent);
}
