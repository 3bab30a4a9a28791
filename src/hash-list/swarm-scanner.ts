/**
 * Scans all swarms in small slices between the announces, and finds the torrents that qualify for the hash list. It takes
 * the largest of them. It checks each of these again just before the list is written.
 */
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { GROUP_IDS } from "../network/peer-groups.ts";
import type { Rest } from "../platform/rest.ts";
import { groupOf, isComplete, isLearned } from "../store/layout/key.ts";
import { Segments } from "../store/segments.ts";
import { SCAN_RETRIES, SHARD_WAIT_MS } from "../store/shard-lock.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { type HashList, ROW_WORDS } from "./hash-list.ts";
import { LargestSwarms } from "./largest-swarms.ts";
import { LocalCopies } from "./local-copies.ts";
import { qualify } from "./qualification.ts";
import type { HashListSettings } from "./settings.ts";

/** Swarms that are scanned in one hold of a shard: tens of microseconds. */
const HOLD = 64;

/** The scan rests after this much work. Announces wait for it if they share its core. */
const SLICE_MS = 0.1;

/** Torrents that are checked again in one slice: some milliseconds of work. */
const CONFIRM = 4096;

/** What a scan of all swarms found. */
export interface ScanResult {
  /** Torrents that no longer qualify. */
  readonly lost: number;
  /** The lost torrents in which a download inside has stalled. */
  readonly stalled: number;
  /** Torrents that qualify, but are excluded. */
  readonly excluded: number;
}

/** The contents of a list, without its times. */
export interface Torrents extends Pick<HashList, "hashes" | "rows" | "rowsAt"> {
  /** The number of torrents that qualify, but are too small to be among `max_entries`. */
  readonly leftOut: number;
}

/** Scans the swarms of one store. */
export class SwarmScanner {
  readonly #store: SwarmStore;
  readonly #copies: LocalCopies;
  readonly #largest = new LargestSwarms();
  readonly #segments = new Segments();
  readonly #infoHash = new Uint32Array(INFO_HASH_WORDS);
  /** Complete and incomplete peers of the current swarm, by group. */
  readonly #complete = new Uint32Array(GROUP_IDS);
  readonly #incomplete = new Uint32Array(GROUP_IDS);
  readonly #groups = new Uint16Array(GROUP_IDS);
  #lost = 0;
  #stalled = 0;
  #excluded = 0;

  constructor(store: SwarmStore) {
    this.#store = store;
    this.#copies = new LocalCopies(store);
  }

  /** Adopts new groups and settings. */
  adopt(groups: PeerGroupsData, { tiers, minComplete }: HashListSettings): void {
    this.#copies.adopt(groups, tiers, minComplete);
  }

  /** Scans all swarms. @param now seconds of a monotonic clock. */
  async scan(settings: HashListSettings, now: () => number, rest: Rest): Promise<ScanResult> {
    this.#largest.begin(settings.maxEntries);
    this.#lost = 0;
    this.#stalled = 0;
    this.#excluded = 0;
    const store = this.#store;
    let retries = SCAN_RETRIES;
    let began = performance.now();
    for (let shard = 0; shard < store.shards; shard++) {
      // From the last down: the last swarm takes the place of a removed one, and has been scanned already.
      for (let number = 0xffffffff; number > 0; ) {
        const at = now();
        const isEntered = store.tryEnterShard(shard, SHARD_WAIT_MS.again);
        if (isEntered) {
          number = this.#scanSome(shard, Math.min(number, store.swarmsIn(shard)), settings, at);
          store.leave(shard);
          this.#largest.trim();
        } else if (retries-- <= 0) break; // the rest of its torrents is not listed this time
        const worked = performance.now() - began;
        if (isEntered && worked < SLICE_MS) continue;
        await rest(worked);
        began = performance.now();
      }
    }
    return { lost: this.#lost, stalled: this.#stalled, excluded: this.#excluded };
  }

  /** Scans some swarms below the number `below`. @returns the number of the last one. */
  #scanSome(shard: number, below: number, settings: HashListSettings, now: number): number {
    const store = this.#store;
    const end = Math.max(0, below - HOLD);
    for (let number = below - 1; number >= end; number--) {
      const entry = store.swarmAt(shard, number);
      const result = qualify(store, entry, this.#copies, settings, now);
      if (result < 0) this.#lost++;
      if (result === -2) this.#stalled++;
      if (result <= 0) continue;
      for (let i = 0; i < INFO_HASH_WORDS; i++) this.#infoHash[i] = store.words[entry + i];
      if (settings.exclude.allows(this.#infoHash)) this.#largest.add(this.#infoHash, 0, this.#copies.peers);
      else this.#excluded++;
    }
    return end;
  }

  /**
   * Checks the torrents of the last scan again. @returns those that still qualify. If there are more than some thousands,
   * it rests in between, and the first results are some tenths of a second old at the end.
   */
  async confirm(settings: HashListSettings, now: () => number, rest: Rest): Promise<Torrents> {
    const candidates = this.#largest.take();
    const count = candidates.length / INFO_HASH_WORDS;
    const hashes = new Uint32Array(candidates.length);
    const rowsAt = new Uint32Array(count + 1);
    const rows = new Rows();
    let kept = 0;
    let retries = SCAN_RETRIES;
    for (let next = 0; next < count; ) {
      const began = performance.now();
      const at = now();
      for (const end = Math.min(count, next + CONFIRM); next < end; next++) {
        for (let i = 0; i < INFO_HASH_WORDS; i++) this.#infoHash[i] = candidates[next * INFO_HASH_WORDS + i];
        const result = this.#confirmOne(settings, at, rows);
        if (result === "locked" && retries-- > 0) break;
        if (result !== "listed") continue;
        hashes.set(this.#infoHash, kept * INFO_HASH_WORDS);
        rowsAt[++kept] = rows.length;
      }
      if (next < count) await rest(performance.now() - began);
    }
    return {
      hashes: hashes.subarray(0, kept * INFO_HASH_WORDS),
      rowsAt: rowsAt.subarray(0, kept + 1),
      rows: rows.take(),
      leftOut: this.#largest.leftOut,
    };
  }

  /** Adds the rows of the torrent if it still qualifies. */
  #confirmOne(settings: HashListSettings, now: number, rows: Rows): "listed" | "lost" | "locked" {
    const store = this.#store;
    const shard = store.shardOf(this.#infoHash);
    if (!store.tryEnterShard(shard, SHARD_WAIT_MS.again)) return "locked";
    const entry = store.find(shard, this.#infoHash);
    const isThere = entry !== 0 && qualify(store, entry, this.#copies, settings, now) > 0;
    if (isThere) this.#addRows(entry, rows);
    store.leave(shard);
    return isThere ? "listed" : "lost";
  }

  #addRows(entry: number, rows: Rows): void {
    let groups = 0;
    for (const family of [4, 6] as const) {
      const { keys, counts } = this.#segments;
      this.#store.list(family).loadSegments(this.#store.listCell(entry, family), this.#segments);
      for (let i = 0; i < this.#segments.count; i++) {
        const group = groupOf(keys[i]);
        if (!this.#copies.isInside(group) || isLearned(keys[i])) continue;
        if (this.#complete[group] + this.#incomplete[group] === 0) this.#groups[groups++] = group;
        (isComplete(keys[i]) ? this.#complete : this.#incomplete)[group] += counts[i];
      }
    }
    for (let i = 0; i < groups; i++) {
      const group = this.#groups[i];
      rows.add(group, this.#complete[group], this.#incomplete[group]);
      this.#complete[group] = 0;
      this.#incomplete[group] = 0;
    }
  }
}

/** Rows of a list under construction. */
class Rows {
  length = 0;
  #words = new Uint32Array(1024 * ROW_WORDS);

  add(group: number, complete: number, incomplete: number): void {
    if (this.length === this.#words.length) {
      const longer = new Uint32Array(2 * this.length);
      longer.set(this.#words);
      this.#words = longer;
    }
    this.#words[this.length++] = group;
    this.#words[this.length++] = complete;
    this.#words[this.length++] = incomplete;
  }

  take(): Uint32Array {
    return this.#words.slice(0, this.length);
  }
}
