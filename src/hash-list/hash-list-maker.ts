/**
 * Makes the hash list periodically. It scans all swarms once a minute, and writes the list when its interval is over, when
 * a client requests it, or when a torrent must leave the list. It runs on the control plane, beside announces.
 *
 * It fails open. The list is empty at the start and after a clean stop. Every list is valid for twice the interval after
 * its last check, and then the elements of the nftables set expire.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { steadySeconds } from "../platform/clock.ts";
import { type Rest, restAfter } from "../platform/rest.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { countMissing, emptyList, entriesOf, type HashList } from "./hash-list.ts";
import { ListFiles } from "./list-files.ts";
import type { HashListSettings } from "./settings.ts";
import { SwarmScanner } from "./swarm-scanner.ts";

/** Most seconds between two scans. */
const SCAN_SECONDS = 60;

/** A requested list is not older than this. */
const FRESH_MS = 5000;

/** Events for the operator. */
export interface HashListObserver {
  /** The list has changed. */
  changed(entered: number, left: number, entries: number): void;
  /** The list's files cannot be written. Called for every failed attempt; attempts continue. */
  failed(error: unknown): void;
}

/** For status and metrics: the current list, and counts since the start. Times in milliseconds. */
export interface HashListCounts {
  entries: number;
  entered: number;
  left: number;
  /** Torrents that were removed because a download inside the network stalled. */
  stalled: number;
  /** Torrents that qualify and are not listed: beyond `max_entries`, or excluded. */
  leftOut: number;
  excluded: number;
  /** The duration of the last scan with its list, and the processor time of this thread in it. */
  scanMs: number;
  workMs: number;
  /** Failed attempts to write the list, and whether the last attempt failed. */
  failures: number;
  failing: boolean;
}

/** Makes the list of one tracker. */
export class HashListMaker {
  readonly counts: HashListCounts = {
    entries: 0,
    entered: 0,
    left: 0,
    stalled: 0,
    leftOut: 0,
    excluded: 0,
    scanMs: 0,
    workMs: 0,
    failures: 0,
    failing: false,
  };
  readonly #observer: HashListObserver;
  readonly #scanner: SwarmScanner;
  readonly #stop = new AbortController();
  #settings: HashListSettings;
  #groups: PeerGroupsData;
  #list: HashList = { ...emptyList(Date.now()), checkedAt: 0 };
  /** The files that were written last, which are emptied when the settings name others. */
  #files: ListFiles | undefined;
  #started = false;
  #dueAt = 0;
  #running: Promise<void> = Promise.resolve();
  /** The last queued operation: operations run one after the other. */
  #last: Promise<void> = Promise.resolve();
  #requested: Promise<void> | undefined;

  constructor(
    store: SwarmStore,
    settings: HashListSettings,
    groups: PeerGroupsData,
    observer: HashListObserver,
  ) {
    this.#observer = observer;
    this.#scanner = new SwarmScanner(store);
    this.#settings = settings;
    this.#groups = groups;
  }

  /** The settings in force. */
  get settings(): HashListSettings {
    return this.#settings;
  }

  /** The last list that was made. */
  get list(): HashList {
    return this.#list;
  }

  /** Adopts settings and groups, and makes a list with them. */
  async adopt(settings: HashListSettings, groups: PeerGroupsData): Promise<void> {
    this.#settings = settings;
    this.#groups = groups;
    if (this.#started && !this.#stop.signal.aborted) await this.#inTurn(() => this.#make(true));
  }

  /** Starts to make lists periodically. */
  start(): void {
    this.#started = true;
    this.#running = this.#run();
  }

  /** Stops, and writes an empty list. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#last;
    this.#list = emptyList(Date.now());
    this.counts.entries = 0;
    await this.#write();
  }

  /** The current list; after a stop an empty one. Concurrent requests share one scan. */
  async now(): Promise<HashList> {
    if (!this.#stop.signal.aborted && Date.now() > this.#list.checkedAt + FRESH_MS) {
      this.#requested ??= this.#inTurn(() => this.#make(true)).finally(() => {
        this.#requested = undefined;
      });
      await this.#requested;
    }
    return this.#list;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#inTurn(() => this.#make(false));
      const wait = Math.min(SCAN_SECONDS, this.#settings.interval) * 1000;
      await delay(wait, undefined, { signal }).catch(() => {});
    }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work);
    return this.#last;
  }

  /** Scans all swarms, and makes a list when it is due. @param requested whether it is requested now. */
  async #make(requested: boolean): Promise<void> {
    const settings = this.#settings;
    const began = performance.now();
    const before = process.threadCpuUsage();
    this.#scanner.adopt(this.#groups, settings);
    const { lost, stalled, excluded } = await this.#scanner.scan(settings, steadySeconds, this.#rest);
    this.counts.stalled += stalled;
    if (lost > 0 || requested || performance.now() >= this.#dueAt) {
      const { leftOut, ...torrents } = await this.#scanner.confirm(settings, steadySeconds, this.#rest);
      this.#dueAt = began + settings.interval * 1000;
      this.#adoptList({ ...this.#list, ...torrents }, settings);
      Object.assign(this.counts, { leftOut, excluded });
      await this.#write();
    }
    const { user, system } = process.threadCpuUsage(before);
    this.counts.scanMs = performance.now() - began;
    this.counts.workMs = (user + system) / 1000;
  }

  #adoptList(made: HashList, { interval }: HashListSettings): void {
    const before = this.#list.hashes;
    const entered = countMissing(made.hashes, before);
    const left = countMissing(before, made.hashes);
    const now = Date.now();
    this.#list = {
      ...made,
      groupNames: new Map(this.#groups.groups.map(({ id, name }) => [id, name])),
      changedAt: entered + left > 0 ? now : this.#list.changedAt,
      checkedAt: now,
      validUntil: now + 2 * interval * 1000,
    };
    this.counts.entries = entriesOf(this.#list);
    this.counts.entered += entered;
    this.counts.left += left;
    if (entered + left > 0) this.#observer.changed(entered, left, this.counts.entries);
  }

  /** Writes the list to its files, and an empty list to files that are not configured any more. */
  async #write(): Promise<void> {
    const { path, formats, dryRun, interval } = this.#settings;
    const files = path === null || dryRun ? undefined : new ListFiles(path, formats);
    try {
      if (String(files?.names) !== String(this.#files?.names))
        await this.#files?.write(emptyList(Date.now()), 2 * interval);
      this.#files = files;
      await files?.write(this.#list, 2 * interval);
      this.counts.failing = false;
    } catch (error) {
      this.counts.failures++;
      this.counts.failing = true;
      this.#dueAt = 0;
      this.#observer.failed(error);
    }
  }

  readonly #rest: Rest = async (workedMs) => {
    await restAfter(this.#stop.signal.aborted ? 0 : workedMs);
  };
}
