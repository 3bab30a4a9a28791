/**
 * The peers of a swarm as they are kept outside of memory: what their clients said, and nothing that follows from the
 * configuration (groups, tiers, bridges), which may be another one when they are read again. Learned peers are not
 * kept: who named them is asked again when the swarm is announced. Big-endian.
 *
 *     header    format:8 (1)  time:32 (seconds; ages are as of then)  IPv4 peers:32
 *     peer      address:32 or 128  port:16  age:16 (seconds)  counted:4 (1 or 0)  left:12 (coarseLeft)
 *
 * IPv4 peers come first; IPv6 peers fill the rest.
 */
import { Address, type Family, readWord, writeWord } from "../model/address.ts";
import { ADDRESS_WORDS, ageOf, COUNTED, KEY_LEARNED, leftOf } from "./peer-record.ts";
import type { SwarmStore } from "./swarm-store.ts";

const FORMAT = 1;

/** Bytes before the first peer. */
export const KEPT_HEADER_BYTES = 9;

/** Bytes of a peer. */
export const KEPT_PEER_BYTES = { 4: 10, 6: 22 } as const satisfies Record<Family, number>;

/** A kept peer that was read. Mutable. */
class KeptPeer {
  readonly address = new Address();
  port = 0;
  /** Seconds without an announce, when it was kept. */
  age = 0;
  /** By coarseLeft. */
  left = 0;
  /** Whether `downloaded` counts it. */
  counted = false;
}

/** Writes the header. */
export function writeKeptHeader(out: Uint8Array, time: number, ipv4Peers: number): void {
  out[0] = FORMAT;
  writeWord(out, 1, time);
  writeWord(out, 5, ipv4Peers);
}

/**
 * Writes the announced ones of the peers `[from, to)` of a list. The caller has the shard.
 * @returns the offset behind them.
 */
export function writeKeptPeers(
  store: SwarmStore,
  cell: number,
  family: Family,
  from: number,
  to: number,
  time: number,
  out: Uint8Array,
  offset: number,
): number {
  const { words } = store;
  const list = store.list(family);
  const addressWords = ADDRESS_WORDS[family];
  let at = offset;
  for (let position = from; position < to; position++) {
    const record = list.recordAt(cell, position);
    const [key, state] = [words[record + addressWords], words[record + addressWords + 1]];
    if ((key & KEY_LEARNED) !== 0) continue;
    for (let w = 0; w < addressWords; w++, at += 4) writeWord(out, at, words[record + w]);
    writeWord(out, at, ((key >>> 16) << 16) | ageOf(state, time));
    at += 4;
    const last = ((key & COUNTED) === 0 ? 0 : 0x1000) | leftOf(state);
    out[at++] = last >>> 8;
    out[at++] = last;
  }
  return at;
}

/**
 * Reads kept peers, one after the other.
 * @throws Error when the bytes are none: they may come from a file or database that somebody has changed.
 */
export class KeptPeersReader {
  /** Seconds; ages are as of then. */
  readonly time: number;
  readonly peer = new KeptPeer();
  readonly #bytes: Uint8Array;
  readonly #ipv4End: number;
  #at = KEPT_HEADER_BYTES;

  constructor(bytes: Uint8Array) {
    if (bytes.length < KEPT_HEADER_BYTES || bytes[0] !== FORMAT) throw new Error("these are no kept peers");
    this.time = readWord(bytes, 1);
    this.#bytes = bytes;
    this.#ipv4End = KEPT_HEADER_BYTES + readWord(bytes, 5) * KEPT_PEER_BYTES[4];
    const rest = bytes.length - this.#ipv4End;
    if (rest < 0 || rest % KEPT_PEER_BYTES[6] !== 0) throw new Error("kept peers of the wrong length");
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
    const word = readWord(bytes, at);
    peer.port = word >>> 16;
    peer.age = word & 0xffff;
    peer.counted = (bytes[at + 4] & 0x10) !== 0;
    peer.left = ((bytes[at + 4] & 15) << 8) | bytes[at + 5];
    this.#at = start + KEPT_PEER_BYTES[family];
    return true;
  }
}
