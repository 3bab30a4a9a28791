/**
 * Reads the memory that a batch of announces will need, before the first of them is handled. An announce waits for memory
 * that no cache holds: for the head of its bucket, then for the entry, for the list of peers, and for its slot of the
 * traffic table. One after the other, these waits add up. Read for all announces of a batch together, they overlap.
 *
 * The processor overlaps only what is close together, and nothing across a branch that it predicts wrongly. So each step
 * is a short loop of its own, and no branch depends on what was read.
 *
 * The shards are not locked, so what is read may be wrong a moment later. Nothing is decided by it but what is read next,
 * within bounds.
 */
import { type AnnounceRequest, PEER_ID_WORDS } from "../model/announce.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { chainCell, headCell, listCell } from "./layout/entry.ts";
import { bucketOf, shardOfHash } from "./linear-hashing.ts";
import type { SwarmStore } from "./swarm-store.ts";

/** The maximum of announces in a batch. Further ones are not read ahead. */
const BATCH_MAX = 64;

/** Words that identify an announce: info-hash, peer_id, key and port. */
const KEY_WORDS = INFO_HASH_WORDS + PEER_ID_WORDS + 2;

/** Words in one line of the processor's cache. Two lines of a list are read. */
const LINE_WORDS = 16;

/** Reads ahead for one thread. */
export class ReadAhead {
  /** The keyed hash of the client whose announce {@link take} found (client-identity.ts). */
  client = 0;
  /** The sum of what was read: without a use, V8 would leave the reads out. */
  sum = 0;
  readonly #store: SwarmStore;
  /** Of each announce of the batch. */
  readonly #keys = new Int32Array(BATCH_MAX * KEY_WORDS);
  readonly #swarms = new Int32Array(BATCH_MAX);
  readonly #clients = new Int32Array(BATCH_MAX);
  /** The word that is read next, the links that were read, and whether the first entry is that of another swarm. */
  readonly #at = new Int32Array(BATCH_MAX);
  readonly #links = new Int32Array(BATCH_MAX);
  readonly #others = new Int32Array(BATCH_MAX);
  #count = 0;
  #next = 0;
  #isRead = true;
  /** The keyed hash of the info-hash of the announce that was taken. */
  #swarm = 0;

  constructor(store: SwarmStore) {
    this.#store = store;
  }

  /** Adds an announce to the batch. Of the request, only what identifies it is read: {@link KEY_WORDS}. */
  add(request: AnnounceRequest): void {
    if (this.#isRead) {
      this.#isRead = false;
      this.#count = 0;
      this.#next = 0;
    }
    if (this.#count === BATCH_MAX) return;
    const store = this.#store;
    const i = this.#count++;
    writeKey(request, this.#keys, i * KEY_WORDS);
    store.shardOf(request.infoHash);
    this.#swarms[i] = store.swarmHash;
    this.#clients[i] = store.identities.hashOf(request);
  }

  /**
   * Takes an announce from the batch. Announces are taken in the order in which they were added; those that are passed over are dropped.
   * @returns whether the batch has it. If so, {@link enter} and {@link client} are for this announce.
   */
  take(request: AnnounceRequest): boolean {
    if (!this.#isRead) {
      this.#isRead = true;
      if (this.#count > 1) this.#read();
    }
    while (this.#next < this.#count) {
      const i = this.#next++;
      if (!hasKey(request, this.#keys, i * KEY_WORDS)) continue;
      this.#swarm = this.#swarms[i];
      this.client = this.#clients[i];
      return true;
    }
    return false;
  }

  /** Locks the shard of the info-hash, like {@link SwarmStore.enter}. @returns the shard. */
  enter(): number {
    const store = this.#store;
    store.swarmHash = this.#swarm;
    const shard = shardOfHash(this.#swarm, store.shards);
    store.enterShard(shard);
    return shard;
  }

  #read(): void {
    const { words } = this.#store;
    const count = this.#count;
    const at = this.#at;
    const links = this.#links;
    this.#findHeads();
    for (let i = 0; i < count; i++) links[i] = words[at[i]];
    this.#findFirst();
    for (let i = 0; i < count; i++) {
      const entry = at[i];
      this.#others[i] = words[entry] ^ this.#keys[i * KEY_WORDS];
      links[i] = words[chainCell(entry)];
    }
    this.#findSecond();
    for (let i = 0; i < count; i++) links[i] = words[listCell(at[i], 4)];
    const end = words.length - LINE_WORDS;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const block = links[i];
      if (block > 0 && block < end) sum = (sum + words[block] + words[block + LINE_WORDS]) | 0;
    }
    this.sum = sum + this.#store.traffic.readSlots(this.#swarms, this.#clients, count);
  }

  /** Finds the head of each announce's bucket. Word 0 belongs to nothing: it stands for no word. */
  #findHeads(): void {
    const store = this.#store;
    for (let i = 0; i < this.#count; i++) {
      const hash = this.#swarms[i];
      const shard = shardOfHash(hash, store.shards);
      const swarms = store.swarmsIn(shard);
      this.#at[i] = swarms === 0 ? 0 : headCell(store.swarmAt(shard, bucketOf(hash, swarms)));
    }
  }

  /** Finds the first entry of each bucket. */
  #findFirst(): void {
    for (let i = 0; i < this.#count; i++) this.#at[i] = this.#linked(i);
  }

  /** Goes on to the second entry of a bucket where the first is that of another swarm. */
  #findSecond(): void {
    for (let i = 0; i < this.#count; i++) {
      const other = this.#others[i];
      // All bits if it is another swarm, or none.
      const mask = (other | -other) >> 31;
      this.#at[i] = (this.#at[i] & ~mask) | (this.#linked(i) & mask);
    }
  }

  /** The entry that a link refers to, or 0. */
  #linked(i: number): number {
    const store = this.#store;
    const link = this.#links[i];
    const shard = shardOfHash(this.#swarms[i], store.shards);
    return link > 0 && link <= store.swarmsIn(shard) ? store.swarmAt(shard, link - 1) : 0;
  }
}

function writeKey(
  { infoHash, peerId, clientKey, port }: AnnounceRequest,
  keys: Int32Array,
  at: number,
): void {
  for (let i = 0; i < INFO_HASH_WORDS; i++) keys[at + i] = infoHash[i];
  for (let i = 0; i < PEER_ID_WORDS; i++) keys[at + INFO_HASH_WORDS + i] = peerId[i];
  keys[at + KEY_WORDS - 2] = clientKey;
  keys[at + KEY_WORDS - 1] = port;
}

function hasKey(
  { infoHash, peerId, clientKey, port }: AnnounceRequest,
  keys: Int32Array,
  at: number,
): boolean {
  let other = (keys[at + KEY_WORDS - 2] ^ clientKey) | (keys[at + KEY_WORDS - 1] ^ port);
  for (let i = 0; i < INFO_HASH_WORDS; i++) other |= keys[at + i] ^ infoHash[i];
  for (let i = 0; i < PEER_ID_WORDS; i++) other |= keys[at + INFO_HASH_WORDS + i] ^ peerId[i];
  return other === 0;
}
