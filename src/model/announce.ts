/**
 * An announce and its reply, independent of the protocol (BEP 3, BEP 15). Both are mutable and reused for every request
 * of a thread: the data plane allocates nothing.
 */

import { Address, type Family } from "./address.ts";
import { INFO_HASH_WORDS } from "./info-hash.ts";

/** Announce events (BEP 3; `paused` is BEP 21: a partial seed that wants nothing). */
export const ANNOUNCE_EVENT = { none: 0, started: 1, completed: 2, stopped: 3, paused: 4 } as const;
export type AnnounceEvent = (typeof ANNOUNCE_EVENT)[keyof typeof ANNOUNCE_EVENT];

/** `numWant` of a request without a number, or with a negative one: the tracker's default applies. */
export const NUM_WANT_DEFAULT = -1;

/** Upper bound of `tracker.numwant_max`: the capacity of the reply's buffers in peers. */
export const NUM_WANT_LIMIT = 1000;

/** Bytes of a peer in compact form: address and port in network order (BEP 23, BEP 7). */
export const COMPACT_BYTES = { 4: 6, 6: 18 } as const;

/** Indices in `transferred`. */
export const TRANSFERRED = { downloaded: 0, uploaded: 1, left: 2 } as const;

/** Words of a peer_id: 20 bytes (BEP 3). */
export const PEER_ID_WORDS = 5;

/** An announce. Decoders set every field. */
export class AnnounceRequest {
  /** The info-hash: 20 bytes as five words in network order. */
  readonly infoHash = new Uint32Array(INFO_HASH_WORDS);
  /** The client's peer_id as five words; 0 if missing. Peers are distinguished by their addresses alone. */
  readonly peerId = new Uint32Array(PEER_ID_WORDS);
  /** The client's `key`, which is not passed on to peers; 0 if missing. */
  clientKey = 0;
  /** The peer's address. */
  readonly address = new Address();
  /** 1 to 65535. */
  port = 0;
  /** The same peer's address in the other family (BEP 7 `ipv4=`/`ipv6=`), if `hasOther`. */
  readonly otherAddress = new Address();
  otherPort = 0;
  hasOther = false;
  event: AnnounceEvent = ANNOUNCE_EVENT.none;
  /** Bytes left to download, encoded by {@link coarseLeft}; 0 only for a complete copy. */
  left = 0;
  /**
   * Bytes downloaded and uploaded since `started`, and the exact bytes left ({@link TRANSFERRED}), as reported by the
   * client; -1 if missing.
   */
  readonly transferred = new Float64Array(3).fill(-1);
  /** Peers wanted, or {@link NUM_WANT_DEFAULT}. The tracker's limit is not yet applied. */
  numWant = NUM_WANT_DEFAULT;
  /** The only family of peers that the reply can have (BEP 15), or 0 for both. */
  onlyFamily: Family | 0 = 0;
  /** Peers that fit the reply. */
  room = NUM_WANT_LIMIT;
}

/** The reply to an announce. */
export class AnnounceResponse {
  complete = 0;
  incomplete = 0;
  /** Seconds until the next announce: recommended and minimum. */
  interval = 0;
  minInterval = 0;
  /**
   * How long, in milliseconds, the client may wait for peers that are being asked for at other trackers. Mostly 0. Where
   * it is more, the response has no peers yet.
   */
  waitMs = 0;
  /** Peers in compact form, 6 bytes each, nearest first; `peerCount` of them. */
  readonly peers = new Uint8Array(NUM_WANT_LIMIT * COMPACT_BYTES[4]);
  /**
   * Where peers are written, from `peersAt` on: the bytes of `peers`, or those of a reply. V8 makes one instruction of
   * a word that is written to a view, and four of its bytes.
   */
  view: DataView = new DataView(this.peers.buffer);
  peersAt = 0;
  peerCount = 0;
  /** The same for IPv6, 18 bytes each (BEP 7). */
  readonly peers6 = new Uint8Array(NUM_WANT_LIMIT * COMPACT_BYTES[6]);
  view6: DataView = new DataView(this.peers6.buffer);
  peers6At = 0;
  peer6Count = 0;

  /** Lets peers of one family be written to `out`, from `at` on, and not to `peers` or `peers6`. */
  writePeersTo(family: Family, out: DataView, at: number): void {
    if (family === 4) {
      this.view = out;
      this.peersAt = at;
    } else {
      this.view6 = out;
      this.peers6At = at;
    }
  }

  /** Makes it a reply without peers, of a swarm without peers. */
  clear(): void {
    this.complete = 0;
    this.incomplete = 0;
    this.peerCount = 0;
    this.peer6Count = 0;
  }
}

/** The largest value of {@link coarseLeft}: 11 bits. Also used for "unknown, but not complete". */
export const LEFT_MAX = 0x7ff;

const WORD = 2 ** 32;

/** The unit of {@link coarseLeft} in bytes: the smallest change that it shows. */
export const LEFT_UNIT = 1024;

/**
 * Encodes a number of bytes in 11 bits: 0 for 0 only, otherwise units of 1 KiB in a floating-point form with 5 bits of
 * exponent and 6 of mantissa. Steps are at most 1.6 %, and the order is kept. That is precise enough to see progress.
 * @param bytes 0 to 2^64, as a double.
 */
export function coarseLeft(bytes: number): number {
  if (bytes <= 0) return 0;
  let mantissa = bytes / LEFT_UNIT;
  if (mantissa < 64) return Math.max(1, Math.floor(mantissa));
  if (mantissa < WORD) {
    const units = mantissa >>> 0;
    const shift = 25 - Math.clz32(units);
    return shift * 64 + (units >>> shift);
  }
  let exponent = 0;
  while (mantissa >= 128) {
    mantissa /= 2;
    exponent++;
  }
  return Math.min(exponent * 64 + Math.floor(mantissa), LEFT_MAX - 1);
}

const POWERS_OF_TWO = Float64Array.from({ length: 32 }, (_, exponent) => 2 ** exponent);

/** The smallest number of bytes that {@link coarseLeft} encodes as this value. */
export function leftBytes(left: number): number {
  if (left < 2) return left;
  if (left < 64) return left * LEFT_UNIT;
  const exponent = (left >> 6) - 1;
  return (left - exponent * 64) * POWERS_OF_TWO[exponent] * LEFT_UNIT;
}
