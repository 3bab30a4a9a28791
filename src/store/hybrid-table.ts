/**
 * Torrents that one client announces under two info-hashes. A hybrid torrent (BEP 52) has one for each version. The
 * client announces both with the same peer_id, key and sums of bytes, at different times. The two swarms are in
 * different shards, so this table is shared by all threads and has locks of its own.
 *
 * Two info-hashes are taken for one torrent when both begin within two minutes with equal sums and equal left, which
 * are not all zero. From then on the announces of both are one series of sums that never fall, and each announce adds
 * only what exceeds the last one. When the assumption proves wrong, the bytes that were left out are added. It is
 * wrong when
 *
 * - one reports less than the other reported before, or has more left;
 * - one stops or completes, and the other does so much later;
 * - both report or stop at the same time, with different sums.
 *
 * What a row contains: layout/traffic.ts.
 */
import { Address } from "../model/address.ts";
import { ANNOUNCE_EVENT, type AnnounceEvent } from "../model/announce.ts";
import {
  hasStopped,
  MEMBER_WORD,
  packLast,
  packShares,
  ROW,
  ROW_WORDS,
  randomShare,
} from "./layout/traffic.ts";
import { placeOf } from "./linear-hashing.ts";
import { type AnswerCounts, followShares, NEW_SECONDS, sharesOf } from "./outside-shares.ts";
import type { RefusedPairs } from "./refused-pairs.ts";

const WAYS = 4;
const BUCKET_WORDS = ROW_WORDS * WAYS;
/** Clients without a row count twice. In the simulator, 1024 peers for each row were too many where most torrents are hybrid. */
const PEERS_PER_ROW = 256;

// V8 folds constants of the same module.
const AT = ROW;
const FIRST = ROW.first;
const SECOND = ROW.second;
const HASH = MEMBER_WORD.hash;
const SWARM = MEMBER_WORD.swarm;
const SUMS = MEMBER_WORD.sums;
const SEEN = MEMBER_WORD.seen;

/** Attempts to take a lock. A holder releases it in less time, unless its worker has crashed. */
const SPINS = 200;

/** Seconds within which both begin, stop and complete. */
const TOGETHER_SECONDS = 120;
/** Seconds within which two announces are at the same time. */
const SAME_SECONDS = 5;
/** Seconds without an announce after which a row may be another client's. */
const STALE_SECONDS = 7200;

/** The allowed difference between two announces at the same time: a part of all bytes since they began, plus KiB. */
const SLACK_PART = 1 / 8;
const SLACK_KIB = 64;

/**
 * State of an announce. none: it has no row. alone: no other info-hash has had the same sums yet. pair: two info-hashes
 * are taken for one torrent. split: they were, and have turned out to be two. {@link HybridTable.more} is set for pair
 * and split.
 */
export const HYBRID = { none: 0, alone: 1, pair: 2, split: 3 } as const;
/** One of {@link HYBRID}. */
export type Hybrid = (typeof HYBRID)[keyof typeof HYBRID];

/** What a client reports for one info-hash. Mutable, reused for every announce. */
class Said {
  /**
   * The hash of the client, and that of client and info-hash. Neither is 0. Both are signed: V8 would allocate half of
   * all unsigned ones.
   */
  client = 0;
  hash = 0;
  /** Received and sent, in KiB modulo 2^32. */
  readonly sums = new Float64Array(2);
  /** The missing bytes by coarseLeft, and their low 32 bits, signed. */
  left = 0;
  exactLeft = 0;
  event: AnnounceEvent = ANNOUNCE_EVENT.none;
  /** The keyed hash of the info-hash, and the address: routers may refuse its connections (refused-pairs.ts). */
  swarm = 0;
  readonly address = new Address();
  /** Counts of the peers in its answer this time. */
  answer: AnswerCounts = {
    returned: 0,
    returnedOutside: 0,
    candidates: 0,
    candidatesOutside: 0,
    isLimited: false,
  };
  /** Seconds. */
  now = 0;
}

/** Allocates an empty table in shared memory. */
export function allocateHybrids(maxPeers: number): Uint32Array<SharedArrayBuffer> {
  const rows = Math.max(4 * WAYS, 2 ** Math.floor(Math.log2(maxPeers / PEERS_PER_ROW)));
  return new Uint32Array(new SharedArrayBuffer(rows * ROW_WORDS * 4));
}

/** A thread's view of the table. */
export class HybridTable {
  /** What is announced. The caller sets it. */
  readonly said = new Said();
  /** KiB received and sent that {@link follow} found to be counted, for a pair or a split. */
  readonly more = new Float64Array(2);
  /** The time in which these were transferred. */
  seconds = 0;
  /** The shares of outside peers in the answers before; of those returned 0, if routers refuse its connections with both. */
  shares = 0;
  /** Whether they do, and did at the last announce of either. */
  isRefused = false;
  readonly #words: Uint32Array<SharedArrayBuffer>;
  readonly #buckets: number;
  readonly #refused: RefusedPairs | undefined;

  /** @param refused what routers refuse, where there is a gate. */
  constructor(words: Uint32Array<SharedArrayBuffer>, refused?: RefusedPairs) {
    this.#words = words;
    this.#refused = refused;
    this.#buckets = words.length / BUCKET_WORDS;
  }

  /** Handles the first announce of an info-hash. @returns whether it has a row now. */
  begin(): boolean {
    const { sums, left, client } = this.said;
    const bucket = placeOf(client, this.#buckets) * BUCKET_WORDS;
    if ((sums[0] === 0 && sums[1] === 0 && left === 0) || !this.#lock(bucket)) return false;
    let row = this.#findBegun(bucket);
    if (row !== -1) this.#note(row, SECOND);
    else {
      row = this.#findFree(bucket);
      if (row !== -1) this.#start(row);
    }
    this.#unlock(bucket);
    return row !== -1;
  }

  /** Handles a later announce of an info-hash. */
  follow(): Hybrid {
    const bucket = placeOf(this.said.client, this.#buckets) * BUCKET_WORDS;
    if (!this.#lock(bucket)) return HYBRID.none;
    const row = this.#find(bucket);
    const found = row === -1 ? HYBRID.none : this.#continue(row);
    this.#unlock(bucket);
    return found;
  }

  /** The row of another info-hash that has begun with the same sums, or -1. */
  #findBegun(bucket: number): number {
    const words = this.#words;
    const { client, hash, sums, exactLeft, now } = this.said;
    let found = -1;
    for (let row = bucket; row < bucket + BUCKET_WORDS; row += ROW_WORDS) {
      if (words[row + AT.seen] === 0 || (words[row + AT.client] | 0) !== client) continue;
      const isAlone = words[row + SECOND + HASH] === 0;
      const isRecent = now - words[row + AT.seen] <= TOGETHER_SECONDS;
      const isSame =
        words[row + AT.base] === sums[0] &&
        words[row + AT.base + 1] === sums[1] &&
        (words[row + AT.exactLeft] | 0) === exactLeft;
      // An older row of the same info-hash is no longer valid.
      if ((words[row + FIRST] | 0) === hash || (words[row + SECOND] | 0) === hash) words[row + AT.seen] = 0;
      else if (isAlone && isRecent && isSame) found = row;
    }
    return found;
  }

  /** A free or stale row. If there is none: the oldest row that has only one info-hash, or -1. */
  #findFree(bucket: number): number {
    const words = this.#words;
    const { now } = this.said;
    let free = -1;
    let oldest = now + 1;
    for (let row = bucket; row < bucket + BUCKET_WORDS; row += ROW_WORDS) {
      const seen = now - words[row + AT.seen] > STALE_SECONDS ? 0 : words[row + AT.seen];
      if ((seen !== 0 && words[row + SECOND + HASH] !== 0) || seen >= oldest) continue;
      oldest = seen;
      free = row;
    }
    return free;
  }

  /** Starts a row with one info-hash. */
  #start(row: number): void {
    const words = this.#words;
    const { client, sums, exactLeft, answer, now } = this.said;
    words[row + AT.client] = client;
    words[row + AT.begun] = now;
    words[row + AT.done] = now;
    words[row + AT.base] = sums[0];
    words[row + AT.base + 1] = sums[1];
    words[row + AT.exactLeft] = exactLeft;
    words[row + SECOND + HASH] = 0;
    words[row + AT.shares] = sharesOf(answer);
    words[row + AT.wasOpen] = 0;
    this.#note(row, FIRST);
  }

  /** Stores what the client reports for one of the two info-hashes. */
  #note(row: number, member: number): void {
    const words = this.#words;
    const { hash, swarm, sums, left, event, answer, now } = this.said;
    words[row + AT.shares] = followShares(words[row + AT.shares] | 0, answer);
    if (left !== 0 || words[row + AT.left] !== 0) words[row + AT.done] = now;
    words[row + AT.left] = left;
    words[row + AT.seen] = now;
    words[row + member + HASH] = hash;
    words[row + member + SWARM] = swarm;
    words[row + member + SUMS] = sums[0];
    words[row + member + SUMS + 1] = sums[1];
    words[row + member + SEEN] = packLast(now, event === ANNOUNCE_EVENT.stopped);
  }

  #find(bucket: number): number {
    const words = this.#words;
    const { client, hash } = this.said;
    for (let row = bucket; row < bucket + BUCKET_WORDS; row += ROW_WORDS) {
      if ((words[row + AT.client] | 0) !== client || words[row + AT.seen] === 0) continue;
      if ((words[row + FIRST] | 0) === hash || (words[row + SECOND] | 0) === hash) return row;
    }
    return -1;
  }

  #continue(row: number): Hybrid {
    const words = this.#words;
    const { hash, sums, event, now } = this.said;
    const own = (words[row + FIRST] | 0) === hash ? FIRST : SECOND;
    const other = FIRST + SECOND - own;
    const stops = event === ANNOUNCE_EVENT.stopped;
    this.shares = words[row + AT.shares] | 0;
    this.isRefused = false;
    if (words[row + SECOND + HASH] === 0) {
      const isUnchanged = words[row + AT.base] === sums[0] && words[row + AT.base + 1] === sums[1];
      if (isUnchanged && !stops && now - words[row + AT.begun] <= TOGETHER_SECONDS) return HYBRID.alone;
      words[row + AT.seen] = 0;
      return HYBRID.none;
    }
    if (!this.#isOne(row, own, other)) {
      this.#split(row, own, other);
      return HYBRID.split;
    }
    // A client that is open with one info-hash meets the outside.
    const isOpen = !this.#isRefused(words[row + own + SWARM]) || !this.#isRefused(words[row + other + SWARM]);
    this.isRefused = !isOpen && words[row + AT.wasOpen] === 0;
    if (this.isRefused) this.shares = packShares(0, randomShare(this.shares));
    // If routers are to refuse its connections, they do so right after its first announces.
    words[row + AT.wasOpen] = Number(isOpen && now - words[row + AT.begun] > NEW_SECONDS);
    this.seconds = 1 + Math.max(0, now - words[row + AT.seen]);
    this.more[0] = sums[0] - Math.max(words[row + own + SUMS], words[row + other + SUMS]);
    this.more[1] = sums[1] - Math.max(words[row + own + SUMS + 1], words[row + other + SUMS + 1]);
    this.#note(row, own);
    if (stops && hasStopped(words[row + other + SEEN])) words[row + AT.seen] = 0;
    return HYBRID.pair;
  }

  /** Whether routers refuse the client's connections in a swarm. */
  #isRefused(swarm: number): boolean {
    const { family, words } = this.said.address;
    return this.#refused?.has(swarm | 0, family, words, 0) === true;
  }

  /** Whether this announce can belong to the same torrent as the last announces of both info-hashes. */
  #isOne(row: number, own: number, other: number): boolean {
    const words = this.#words;
    const { left, event, now } = this.said;
    if (left > words[row + AT.left]) return false;
    const seen = words[row + other + SEEN];
    const otherStopped = hasStopped(seen);
    const stops = event === ANNOUNCE_EVENT.stopped;
    if (otherStopped && !(stops && now - seen <= TOGETHER_SECONDS)) return false;
    const hasCompleted = event === ANNOUNCE_EVENT.completed && words[row + AT.left] === 0;
    if (hasCompleted && now - words[row + AT.done] > TOGETHER_SECONDS) return false;
    const isAtOnce = otherStopped || Math.abs(now - seen) <= SAME_SECONDS;
    return this.#isMore(row, own, other, 0, isAtOnce) && this.#isMore(row, own, other, 1, isAtOnce);
  }

  /** Whether a sum is at least the last sum of both, and not much more if both announce at the same time. */
  #isMore(row: number, own: number, other: number, index: number, isAtOnce: boolean): boolean {
    const words = this.#words;
    const sum = this.said.sums[index];
    const last = Math.max(words[row + own + SUMS + index], words[row + other + SUMS + index]);
    if (sum < last) return false;
    return !isAtOnce || sum - last <= SLACK_KIB + SLACK_PART * (sum - words[row + AT.base + index]);
  }

  /** Handles two info-hashes that are two torrents: counts what has not been counted of either. */
  #split(row: number, own: number, other: number): void {
    const words = this.#words;
    const { sums, now } = this.said;
    this.seconds = 1 + Math.max(0, now - words[row + AT.begun]);
    for (let i = 0; i < 2; i++) {
      const sum = sums[i];
      const before = words[row + own + SUMS + i];
      const its = words[row + other + SUMS + i];
      // A smaller sum means that the client has restarted.
      const all = its + (sum >= before ? sum : before + sum);
      this.more[i] = Math.max(0, all - Math.max(before, its) - words[row + AT.base + i]);
    }
    words[row + AT.seen] = 0;
  }

  /** @returns false if the lock cannot be taken. The client then counts as if it had no row. */
  #lock(bucket: number): boolean {
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.compareExchange(this.#words, bucket + AT.lock, 0, 1) === 0) return true;
    }
    return false;
  }

  #unlock(bucket: number): void {
    Atomics.store(this.#words, bucket + AT.lock, 0);
  }
}
