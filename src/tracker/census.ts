/**
 * The figures of one scan by the sweeper: peers by group, swarms by size, swarms without near peers, the largest
 * swarms. Each worker counts the shards that it sweeps, and publishes the result in shared memory after a full scan.
 * So no figure needs a scan of its own.
 */
import type { Family } from "../model/address.ts";
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import { GROUP_IDS, NO_GROUP, type PeerGroups } from "../network/peer-groups.ts";
import { ACTIVITY_TIERS, tierSlot } from "../store/group-activity.ts";
import { countsAsClient, groupOf, isComplete } from "../store/layout/key.ts";
import { copyWords } from "../store/layout/word.ts";

/** Classes of swarms by size. Class `c` has the swarms with more than 2^(c-1) and up to 2^c peers. */
export const SIZE_CLASSES = 24;

/** The number of largest swarms that each worker publishes. */
export const LARGEST = 20;

/** Offsets in what is published of one large swarm; its info-hash comes first. */
export const LARGE = {
  complete: INFO_HASH_WORDS,
  incomplete: INFO_HASH_WORDS + 1,
  tiers: INFO_HASH_WORDS + 2,
} as const;

/** Words of one large swarm: info-hash, complete, incomplete, peers by tier (group-activity.ts). */
export const LARGEST_WORDS = LARGE.tiers + ACTIVITY_TIERS;

/** Offsets in a published census, in words. `rounds` is 0 until the first scan is complete. */
export const CENSUS = {
  rounds: 0,
  swarms: 1,
  /** Swarms of which no peer is in any group. */
  withoutNear: 2,
  sizes: 3,
  largest: 3 + SIZE_CLASSES,
  /** By {@link peersAt}. */
  peers: 3 + SIZE_CLASSES + LARGEST * LARGEST_WORDS,
} as const;

const CENSUS_WORDS = CENSUS.peers + 4 * GROUP_IDS;

/** Allocates the census of one worker in shared memory. */
export function allocateCensus(): Uint32Array<SharedArrayBuffer> {
  return new Uint32Array(new SharedArrayBuffer(CENSUS_WORDS * 4));
}

/** The offset at which the peers of a group are counted. */
export function peersAt(family: Family, complete: boolean, group: number): number {
  return CENSUS.peers + ((family === 4 ? 0 : 2) + (complete ? 1 : 0)) * GROUP_IDS + group;
}

/** Counts one scan after the other. */
export class Census {
  /** They define the tier of each peer. */
  groups: PeerGroups;
  readonly #published: Uint32Array;
  readonly #words = new Uint32Array(CENSUS_WORDS);
  /** For the current swarm: peers by tier, all peers, and peers in groups. */
  readonly #tiers = new Uint32Array(ACTIVITY_TIERS);
  #peers = 0;
  #complete = 0;
  #near = 0;
  /** The size of the smallest of the largest swarms, and its offset. */
  #least = 0;
  #leastAt: number = CENSUS.largest;

  constructor(published: Uint32Array, groups: PeerGroups) {
    this.#published = published;
    this.groups = groups;
  }

  /** Begins a new scan, even if the last one is not complete. */
  begin(): void {
    this.#words.fill(0);
    this.#least = 0;
    this.#leastAt = CENSUS.largest;
    this.beginSwarm();
  }

  beginSwarm(): void {
    this.#tiers.fill(0);
    this.#peers = 0;
    this.#complete = 0;
    this.#near = 0;
  }

  /** Counts a peer of the current swarm, unless it is learned or a duplicate. @param key of the peer (store/layout/key.ts). */
  add(family: Family, key: number): void {
    if (!countsAsClient(key)) return;
    const group = groupOf(key);
    const complete = isComplete(key);
    const { tierOf, tierCount } = this.groups;
    this.#words[peersAt(family, complete, group)]++;
    this.#tiers[tierSlot(tierOf[group], tierCount)]++;
    this.#peers++;
    if (complete) this.#complete++;
    if (group !== NO_GROUP) this.#near++;
  }

  /** Counts the current swarm. @param source has its info-hash at the index `at`. */
  endSwarm(source: Uint32Array, at: number): void {
    const size = this.#peers;
    if (size === 0) return;
    this.#words[CENSUS.swarms]++;
    if (this.#near === 0) this.#words[CENSUS.withoutNear]++;
    this.#words[CENSUS.sizes + Math.min(SIZE_CLASSES - 1, 32 - Math.clz32(size - 1))]++;
    if (size > this.#least) this.#keep(source, at);
  }

  /** Publishes the completed scan, and begins the next. */
  publish(): void {
    const rounds = this.#published[CENSUS.rounds];
    this.#words[CENSUS.rounds] = rounds + 1;
    this.#published.set(this.#words);
    this.begin();
  }

  /** Replaces the smallest of the largest swarms by the current one. */
  #keep(source: Uint32Array, at: number): void {
    const words = this.#words;
    const to = this.#leastAt;
    copyWords(source, at, words, to, INFO_HASH_WORDS);
    words[to + LARGE.complete] = this.#complete;
    words[to + LARGE.incomplete] = this.#peers - this.#complete;
    words.set(this.#tiers, to + LARGE.tiers);
    this.#least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < LARGEST; i++) {
      const place = CENSUS.largest + i * LARGEST_WORDS;
      const size = words[place + LARGE.complete] + words[place + LARGE.incomplete];
      if (size >= this.#least) continue;
      this.#least = size;
      this.#leastAt = place;
    }
  }
}
