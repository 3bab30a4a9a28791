/**
 * The bytes that clients received and sent, as they last reported them. An announce reports sums since `started`; totals
 * need the differences. The table has room for a sixteenth of `max_peers`. If a client finds no room, its bytes are not
 * counted, and a counter says how often that happened. Each shard has a part of the table, which its lock protects.
 *
 * A slot belongs to a client and a torrent, not to an address. So nothing is counted twice for a client that has two
 * addresses, or that moves. A client with one address in a peer group and another in no group has two slots, and only
 * that of the group counts. A client without an identity has a slot for each address.
 *
 * A torrent with two info-hashes has two slots. hybrid-table.ts decides which part of both is counted.
 *
 * What a slot contains: layout/traffic.ts.
 */
import type { Address } from "../model/address.ts";
import { ANNOUNCE_EVENT, type AnnounceRequest, TRANSFERRED } from "../model/announce.ts";
import { NO_GROUP } from "../network/peer-groups.ts";
import { ACTIVITY } from "./group-activity.ts";
import { HYBRID, type Hybrid, HybridTable } from "./hybrid-table.ts";
import type { KeyedHash } from "./keyed-hash.ts";
import {
  hasHybrid,
  isMemberTag,
  memberTag,
  packSlot,
  pairClient,
  randomShare,
  returnedShare,
  SLOT_SHARES,
  SLOT_SUMS,
  SLOT_WORDS,
  slotAge,
  slotTag,
  tagOf,
  WHOLE,
} from "./layout/traffic.ts";
import { mixHashes, placeOf, shardOfHash } from "./linear-hashing.ts";
import { type AnswerCounts, followShares, heldShares, nextHeldShares, sharesOf } from "./outside-shares.ts";
import { RefusedPairs } from "./refused-pairs.ts";

const PEERS_PER_SLOT = 16;

/** The number of adjacent slots among which a client can have one. */
const WAYS = 4;

/** Seconds without an announce after which another client may take a slot. */
const STALE_SECONDS = 7200;

/** The maximum rate of transfer that is believed: 10 Gbit/s. */
const KIB_PER_SECOND = 1_220_703;

const KIB = 1024;

/** Upper bound of the bytes that a client may report. */
const LIMIT = 2 ** 64;

/** Allocates an empty table in shared memory. */
export function allocateTraffic(maxPeers: number, shards: number): Uint32Array<SharedArrayBuffer> {
  const slots = Math.max(WAYS, 2 ** Math.floor(Math.log2(maxPeers / PEERS_PER_SLOT / shards)));
  return new Uint32Array(new SharedArrayBuffer(shards * slots * SLOT_WORDS * 4));
}

/**
 * A slot in no group does not count while the same client's slot in a peer group is active. That one is inactive after
 * these seconds, or after this many times the time between the other's announces.
 */
const MEMBER_SECONDS = 90;
const MEMBER_SILENT = 1.5;

/** The client that announces, and counts of the peers in its answer. */
interface Announcer extends AnswerCounts {
  /** The hash of the client, or 0 (client-identity.ts). */
  readonly client: number;
  readonly group: number;
  /** Whether the gate applies to its group. */
  readonly hasGate: boolean;
}

/** What a client has reported to another node of the cluster. */
export interface SaidElsewhere {
  readonly infoHash: Uint32Array;
  readonly address: Address;
  readonly port: number;
  /** The hash of the client, or 0 (client-identity.ts). */
  readonly client: number;
  /** KiB received and sent, modulo 2^32. */
  readonly sums: Float64Array;
  /** Whether its address is in a peer group. */
  readonly isMember: boolean;
  readonly isStopped: boolean;
}

/** What all threads share, for a number of shards. */
interface TrafficMemory {
  readonly traffic: Uint32Array;
  readonly hybrids: Uint32Array<SharedArrayBuffer>;
  readonly shards: number;
  readonly refusedPairs: Int32Array<SharedArrayBuffer> | undefined;
}

/** A thread's view of the table. */
export class TrafficTable {
  /** What routers refuse, where there is a gate. */
  readonly refusedPairs: RefusedPairs | undefined;
  readonly #words: Uint32Array;
  readonly #hash: KeyedHash;
  readonly #hybrids: HybridTable;
  readonly #shards: number;
  /** The number of slots in a shard. */
  readonly #slots: number;
  /** KiB received and sent since the last announce. */
  readonly #more = new Float64Array(2);
  /** What {@link #find} found: the client's other slot, in a peer group if the first is in none, or -1. */
  #other = -1;

  constructor({ traffic, hybrids, shards, refusedPairs }: TrafficMemory, hash: KeyedHash) {
    this.#words = traffic;
    this.#hash = hash;
    this.#shards = shards;
    this.#slots = traffic.length / SLOT_WORDS / shards;
    this.refusedPairs = refusedPairs && new RefusedPairs(refusedPairs, hash);
    this.#hybrids = new HybridTable(hybrids, this.refusedPairs);
  }

  /**
   * Adds the bytes that a client has received and sent since its last announce to its row of `activity`
   * (group-activity.ts). The caller holds the shard.
   * @param swarm the keyed hash of the info-hash.
   * @param who the client, and counts of the peers in its answer this time.
   * @param now seconds.
   * @returns false if the client has no slot, and there is no room for one.
   */
  count(
    shard: number,
    swarm: number,
    request: AnnounceRequest,
    who: Announcer,
    now: number,
    activity: Float64Array,
    row: number,
  ): boolean {
    const { infoHash, address, port, event, transferred } = request;
    if (!(isSum(transferred, 0) && isSum(transferred, 1))) return true;
    const words = this.#words;
    const { client } = who;
    // Both are keyed hashes, so that clients cannot choose the combination.
    const hash =
      client === 0
        ? this.#hash.hash(address.words, 0, 4, mixHashes(mixHashes(infoHash[0], infoHash[1]), port))
        : mixHashes(swarm, client);
    const isMember = client !== 0 && who.group !== NO_GROUP;
    const tag = slotTag(hash, isMember);
    const slot = this.#find(shard, hash, tag, now);
    if (slot === -1) return event === ANNOUNCE_EVENT.stopped;
    // A client with two addresses sends `started` from both. Its slot is valid already.
    const begins = event === ANNOUNCE_EVENT.started && client === 0;
    const word = words[slot] | 0;
    const isKnown = tagOf(word) === tag && !begins;
    const seconds = isKnown ? 1 + ageOf(word, now) : 0;
    // Most torrents have one info-hash.
    const isAlone = client === 0 || (isKnown && !hasHybrid(word));
    const isHeld = who.hasGate && this.refusedPairs?.areEnforced === true;
    const isRefused = isHeld && this.refusedPairs?.has(swarm, address.family, address.words, 0) === true;
    this.#hybrids.said.swarm = swarm;
    const kind = isAlone ? HYBRID.none : this.#hybridOf(request, who, hash, now, word, tag);
    const isCounted = client === 0 || isMember || !this.#isWithMember(seconds, now);
    const isPaired = kind >= HYBRID.pair;
    const own = words[slot + SLOT_SHARES] | 0;
    const answered = isPaired ? this.#hybrids.shares : own;
    // A client with two info-hashes may be open with the other one.
    const shares = isHeld ? heldShares(answered, isPaired ? this.#hybrids.isRefused : isRefused) : answered;
    this.#note(slot, transferred);
    if (isCounted && isPaired) add(this.#hybrids.more, this.#hybrids.seconds, shares, activity, row);
    else if (isCounted) add(this.#more, seconds, shares, activity, row);
    const next = isKnown ? followShares(answered, who) : sharesOf(who);
    words[slot + SLOT_SHARES] = isHeld
      ? nextHeldShares(isKnown ? own : -1, next, isRefused, seconds - 1)
      : next;
    const hybrid = kind === HYBRID.alone || kind === HYBRID.pair;
    words[slot] = event === ANNOUNCE_EVENT.stopped ? 0 : packSlot(now, hybrid, tag);
    return true;
  }

  /**
   * Takes over the sums that a client has reported to another node of the cluster, which has counted them: only what
   * exceeds them is counted here. The caller holds the shard.
   * @param swarm the keyed hash of the info-hash.
   * @param said what the client reported, with its sums in KiB modulo 2^32.
   * @param now seconds.
   */
  follow(shard: number, swarm: number, said: SaidElsewhere, now: number): void {
    const { infoHash, address, port, client, sums, isMember, isStopped } = said;
    const words = this.#words;
    const hash =
      client === 0
        ? this.#hash.hash(address.words, 0, 4, mixHashes(mixHashes(infoHash[0], infoHash[1]), port))
        : mixHashes(swarm, client);
    const tag = slotTag(hash, client !== 0 && isMember);
    const slot = this.#find(shard, hash, tag, now);
    if (slot === -1) return;
    const word = words[slot] | 0;
    const isKnown = tagOf(word) === tag;
    if (isStopped) {
      if (isKnown) words[slot] = 0;
      return;
    }
    // A record of an earlier announce in the same second may come later.
    const isSame = isKnown && ageOf(word, now) === 0;
    if (isSame && (sums[0] < words[slot + SLOT_SUMS] || sums[1] < words[slot + SLOT_SUMS + 1])) return;
    words[slot + SLOT_SUMS] = sums[0];
    words[slot + SLOT_SUMS + 1] = sums[1];
    if (!isKnown) words[slot + SLOT_SHARES] = 0;
    words[slot] = packSlot(now, isKnown && hasHybrid(word), tag);
  }

  /**
   * Reads the slots of clients, so that the processor has them in its cache (read-ahead.ts).
   * @param swarms and `clients`: keyed hashes, as for {@link count}. @returns the sum of what was read.
   */
  readSlots(swarms: Int32Array, clients: Int32Array, count: number): number {
    const words = this.#words;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const hash = mixHashes(swarms[i], clients[i]);
      sum = (sum + words[this.#firstSlot(shardOfHash(swarms[i], this.#shards), hash)]) | 0;
    }
    return sum;
  }

  /** The first word of the slots among which a client can have one. */
  #firstSlot(shard: number, hash: number): number {
    return (shard * this.#slots + placeOf(hash, this.#slots / WAYS) * WAYS) * SLOT_WORDS;
  }

  /** Stores the sums of bytes in a slot, and their increase in `#more`. */
  #note(slot: number, transferred: Float64Array): void {
    const words = this.#words;
    const more = this.#more;
    for (let i = 0; i < 2; i++) {
      const sum = kibOf(transferred[i]);
      const before = words[slot + SLOT_SUMS + i];
      // A smaller sum means that the client has restarted.
      more[i] = sum >= before ? sum - before : sum;
      words[slot + SLOT_SUMS + i] = sum;
    }
  }

  /** Whether the torrent has another info-hash. @param word the first word of the slot. */
  #hybridOf(
    request: AnnounceRequest,
    who: Announcer,
    hash: number,
    now: number,
    word: number,
    tag: number,
  ): Hybrid {
    const { address, transferred, left, event } = request;
    const isKnown = tagOf(word) === tag;
    if (!isKnown && (event === ANNOUNCE_EVENT.stopped || !isSum(transferred, TRANSFERRED.left)))
      return HYBRID.none;
    const hybrids = this.#hybrids;
    const { said } = hybrids;
    // Each of a client's two slots has its own.
    said.client = pairClient(who.client, tag);
    said.address.copyFrom(address);
    said.answer = who;
    said.hash = hash || 1;
    said.sums[0] = kibOf(transferred[TRANSFERRED.downloaded]);
    said.sums[1] = kibOf(transferred[TRANSFERRED.uploaded]);
    said.left = left;
    said.exactLeft = transferred[TRANSFERRED.left] | 0;
    said.event = event;
    said.now = now;
    if (isKnown) return hybrids.follow();
    return hybrids.begin() ? HYBRID.alone : HYBRID.none;
  }

  /** Whether the client also announces from a peer group. @param seconds since its last announce from elsewhere. */
  #isWithMember(seconds: number, now: number): boolean {
    if (this.#other === -1) return false;
    return ageOf(this.#words[this.#other] | 0, now) <= Math.max(MEMBER_SECONDS, MEMBER_SILENT * seconds);
  }

  /** The slot with this tag, or a free or stale one, or -1. */
  #find(shard: number, hash: number, tag: number, now: number): number {
    const words = this.#words;
    const first = this.#firstSlot(shard, hash);
    let own = -1;
    let free = -1;
    this.#other = -1;
    for (let slot = first; slot < first + WAYS * SLOT_WORDS; slot += SLOT_WORDS) {
      // Signed: V8 would allocate half of all unsigned ones.
      const word = words[slot] | 0;
      const its = tagOf(word);
      if (its === tag) {
        own = slot;
        if (isMemberTag(tag)) return own;
      } else if (its === memberTag(tag)) this.#other = slot;
      else if (its === 0 || ageOf(word, now) > STALE_SECONDS) free = slot;
    }
    return own === -1 ? free : own;
  }
}

/** Adds the KiB that were received and sent in a number of seconds to a row of `activity`. */
function add(more: Float64Array, seconds: number, shares: number, activity: Float64Array, row: number): void {
  for (let i = 0; i < 2; i++) {
    const bytes = more[i] * KIB;
    if (bytes > KIB * KIB_PER_SECOND * seconds) continue;
    activity[row + ACTIVITY.downloaded + i] += bytes;
    activity[row + ACTIVITY.outside + i] += (bytes * returnedShare(shares)) / WHOLE;
    activity[row + ACTIVITY.random + i] += (bytes * randomShare(shares)) / WHOLE;
  }
}

/** Seconds since a slot was written. The writer's clock may have been a tick ahead. */
function ageOf(word: number, now: number): number {
  const age = slotAge(word, now);
  return age > 0xff00 ? 0 : age;
}

/** Bytes in KiB, modulo 2^32. Unsigned conversion is faster than the remainder of a division. */
function kibOf(bytes: number): number {
  return (bytes / KIB) >>> 0;
}

/** Whether a number of `transferred` is valid. */
function isSum(transferred: Float64Array, index: number): boolean {
  return transferred[index] >= 0 && transferred[index] < LIMIT;
}
