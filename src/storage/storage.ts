/**
 * Keeps the swarms in a database: loads them before anybody announces, saves what changes, and puts up with a database
 * that is away, slow, full or damaged. Nothing on the data plane knows of it.
 */
import { setTimeout as delay, setImmediate as yieldToOthers } from "node:timers/promises";
import { steadySeconds } from "../platform/clock.ts";
import { CONTROL_PLANE } from "../store/shard-lock.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import {
  BEFORE_ALL,
  type Database,
  DatabaseError,
  type DatabaseFailure,
  type GroupTotal,
} from "./database.ts";
import type { DatabaseKind, DatabaseSettings } from "./database-kind.ts";
import { databaseKind } from "./databases.ts";
import { FileReplacements, type LastReplacement } from "./file-replacements.ts";
import type { GroupTotals } from "./group-totals.ts";
import { purge } from "./purge.ts";
import { Saver } from "./saver.ts";
import { explainVersion, SCHEMA_VERSION } from "./schema.ts";
import { type LoadCounts, type LoadSettings, SwarmLoader } from "./swarm-loader.ts";

/** How often it is looked what has vanished, and whether it is time to save. */
const TICK_MS = 1000;

/**
 * Saving begins when this part of the interval has passed, and rests between slices, for as long as it is not late: so
 * that a change is written within the interval.
 */
const BEGIN_PART = 0.7;
const REST_PART = 0.2;
/** A rest, for each millisecond of work. */
const REST_FACTOR = 4;

/** Attempts after a failure: at first after so long, then after twice as long each time, up to this or the interval. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 30_000;
/** How long attempts go on at a stop. */
const LAST_ATTEMPTS_MS = 10_000;

/** How often it is looked whether the database is still in its place, between savings. */
const VERIFY_MS = 10_000;

/** Failures that do not pass while a stop waits. */
const LASTING: readonly DatabaseFailure[] = ["foreign", "misplaced", "denied", "schema"];

const PURGE_MS = 60_000;
const PAGE = 500;
const SAY_MS = 1000;

/** What storage is started with. Times in milliseconds unless they say otherwise. */
export interface StorageOptions {
  readonly database: DatabaseSettings;
  readonly store: SwarmStoreData;
  readonly totals: GroupTotals;
  readonly saveIntervalMs: number;
  /** Whether the tracker must not start without the database. */
  readonly required: boolean;
  /** Whether the schema of a server is made and upgraded here; the embedded one always is. */
  readonly autoUpgrade: boolean;
  /** Inactive torrents are kept for so many seconds, and so many of them. */
  readonly inactiveSeconds: number;
  readonly inactiveLimit: number;
}

/** Called with what operators need to hear. */
export interface StorageObserver {
  /** So much of the database has been read; about once a second. */
  loading(swarms: number, ofSwarms: number): void;
  /** All of it has been read, and there was something. */
  loaded(counts: LoadCounts, tookMs: number, database: string): void;
  /** Everything that had changed has been saved. */
  saved(rows: number, tookMs: number): void;
  /** The database was damaged, or not in its place any more; there is a new file. */
  replaced(replacement: LastReplacement): void;
  /** The database cannot be used; attempts go on. Called at every attempt. */
  failed(error: unknown): void;
  /** It can be used again, and has everything. */
  recovered(awayMs: number): void;
  /** The tracker stops, and all is in another file than it will look for, as that place is taken. */
  rescued(path: string): void;
  /** The tracker stops, and this much could not be saved where it should be. */
  gaveUp(error: unknown): void;
}

/** The storage of one tracker. */
export class Storage {
  /**
   * For metrics: rows written, how often one was too large to be whole, vanished swarms that were missed, attempts that
   * failed, when all was last saved (milliseconds since 1970), and how long that took.
   */
  readonly counters = { written: 0, cut: 0, missed: 0, failures: 0, savedAt: 0, saveMs: 0 };
  readonly #options: StorageOptions;
  readonly #kind: DatabaseKind;
  readonly #observer: StorageObserver;
  readonly #store: SwarmStore;
  readonly #saver: Saver;
  readonly #files: FileReplacements;
  readonly #stop = new AbortController();
  #database: Database | undefined;
  #load: (() => LoadSettings) | undefined;
  /** On the clock of `performance.now()`. */
  #failingSince: number | undefined;
  #failuresInTurn = 0;
  #failure: string | null = null;
  #nextAt = 0;
  #purgedAt = 0;
  #verifyAt = 0;
  /** Whether the database could be used at some time. */
  #wasReady = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: StorageOptions, observer: StorageObserver) {
    this.#options = options;
    this.#kind = databaseKind(options.database);
    this.#observer = observer;
    this.#store = new SwarmStore(options.store, CONTROL_PLANE);
    this.#saver = new Saver(this.#store, steadySeconds, seconds);
    this.#files = new FileReplacements(options.database);
  }

  /**
   * Opens the database and loads the swarms. Where the database is not required and cannot be used, that is done later.
   * @param settings asked for when the loading begins.
   * @throws DatabaseError
   */
  async open(settings: () => LoadSettings): Promise<void> {
    this.#load = settings;
    try {
      await this.#ready();
    } catch (error) {
      if (!(error instanceof DatabaseError) || this.#options.required) throw error;
      this.#fail(error);
    }
  }

  /** Begins to save. */
  start(): void {
    this.#nextAt ||= performance.now() + this.#options.saveIntervalMs * BEGIN_PART;
    this.#running = this.#run();
  }

  /** Saves everything and closes the database. When nothing changes any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    const end = performance.now() + LAST_ATTEMPTS_MS;
    let problem = await this.#attempt();
    while (problem !== undefined && this.#mayPass(problem) && performance.now() < end) {
      await delay(RETRY_MS);
      problem = await this.#attempt();
    }
    if (problem !== undefined) {
      this.#observer.gaveUp(problem);
      await this.#rescue().catch(() => {});
    }
    await this.close();
  }

  /** Saves to a file beside the one whose place is taken by something else. */
  async #rescue(): Promise<void> {
    const database = await this.#files.rescue(this.#database);
    if (database === undefined) return;
    await this.#database?.close().catch(() => {});
    this.#database = database;
    const loader = this.#load === undefined ? undefined : new SwarmLoader(this.#store, this.#load());
    await this.#saver.save(database, () => yieldToOthers(), loader);
    await this.#options.totals.write(database);
    this.#observer.rescued(database.name);
  }

  /** Closes the database without saving: when the tracker could not start. */
  async close(): Promise<void> {
    await this.#database?.close().catch(() => {});
    this.#database = undefined;
  }

  /** Since when the database cannot be used, in milliseconds since 1970, or null. */
  get failingSince(): number | null {
    return this.#failingSince === undefined ? null : performance.timeOrigin + this.#failingSince;
  }

  /** What keeps the database from being used, for the operator, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  /** How often the file of an embedded database was replaced, and the last time. */
  get replacements(): { readonly count: number; readonly last: LastReplacement | null } {
    return this.#files;
  }

  /** The totals of a span from a moment on. @returns undefined when the database cannot be used. */
  async readTotals(span: number, from: number): Promise<GroupTotal[] | undefined> {
    if (this.#database === undefined || this.#failingSince !== undefined) return undefined;
    try {
      return await this.#database.readTotals(span, from);
    } catch (error) {
      if (error instanceof DatabaseError) return undefined;
      throw error;
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await delay(Math.min(TICK_MS, this.#options.saveIntervalMs / 10), undefined, { signal }).catch(
        () => {},
      );
      this.#saver.takeNote();
      this.counters.missed = this.#saver.missed;
      this.#options.totals.collect(seconds());
      if (!(await this.#isInPlace())) this.#nextAt = 0;
      if (!signal.aborted && performance.now() >= this.#nextAt) await this.#attempt();
    }
  }

  /** Saves once. @returns what kept it from that. */
  async #attempt(): Promise<unknown> {
    const began = performance.now();
    const { saveIntervalMs, totals } = this.#options;
    try {
      const database = await this.#ready();
      const rest = (workedMs: number) => this.#rest(workedMs, began + saveIntervalMs * REST_PART);
      const loader = this.#load === undefined ? undefined : new SwarmLoader(this.#store, this.#load());
      await this.#saver.save(database, rest, loader);
      await totals.write(database);
      await this.#purge(database);
    } catch (error) {
      await this.#replaceFile(error).catch(() => false);
      this.#fail(error);
      return error;
    }
    this.#nextAt = began + saveIntervalMs * BEGIN_PART;
    this.#succeed(performance.now() - began);
    return undefined;
  }

  /** Rests, unless it is late, or all are waiting for this. */
  async #rest(workedMs: number, until: number): Promise<void> {
    if (this.#stop.signal.aborted || performance.now() > until) await yieldToOthers();
    else await delay(workedMs * REST_FACTOR);
  }

  /** The database: opened, claimed, in its place, of the right version, and loaded. */
  async #ready(): Promise<Database> {
    try {
      return await this.#readyAsItIs();
    } catch (error) {
      if (await this.#replaceFile(error)) return await this.#readyAsItIs();
      throw error;
    }
  }

  async #readyAsItIs(): Promise<Database> {
    await this.#database?.verify();
    this.#database ??= await this.#open();
    if (this.#load !== undefined && (await this.#loadAll(this.#database, this.#load())))
      this.#load = undefined;
    this.#wasReady = true;
    return this.#database;
  }

  /** Looks now and then, as one that fails is tried again anyway. */
  async #isInPlace(): Promise<boolean> {
    const now = performance.now();
    if (this.#database === undefined || this.#failingSince !== undefined || now < this.#verifyAt) return true;
    this.#verifyAt = now + VERIFY_MS;
    return await this.#database.verify().then(
      () => true,
      () => false,
    );
  }

  /** Whether waiting may help. A file that could not be opened since the start is waited for by nobody. */
  #mayPass(problem: unknown): boolean {
    if (!this.#wasReady && this.#kind.embedded !== undefined) return false;
    return !(problem instanceof DatabaseError && LASTING.includes(problem.failure));
  }

  async #open(): Promise<Database> {
    const { database: settings, autoUpgrade } = this.#options;
    const database = await this.#kind.open(settings);
    try {
      await database.claim();
      const version = await database.version();
      if (version !== SCHEMA_VERSION) {
        if (version < SCHEMA_VERSION && (autoUpgrade || this.#kind.embedded !== undefined))
          await database.migrate();
        else throw new DatabaseError("schema", explainVersion(database.name, version));
      }
      return database;
    } catch (error) {
      await database.close().catch(() => {});
      throw error;
    }
  }

  /** @returns whether that was all; not when the tracker stops meanwhile. */
  async #loadAll(database: Database, settings: LoadSettings): Promise<boolean> {
    const began = performance.now();
    const loader = new SwarmLoader(this.#store, settings);
    const { swarms, inactive } = await database.size();
    let read = 0;
    let said = began;
    for (let after: Uint8Array = BEFORE_ALL; !this.#stop.signal.aborted; ) {
      const rows = await database.readSwarms(after, PAGE, true);
      if (rows.length === 0) break;
      for (const row of rows)
        while (!loader.load(row, steadySeconds(), seconds())) await delay(RETRY_MS / 10);
      after = rows[rows.length - 1].infoHash;
      read += rows.length;
      if (performance.now() > said + SAY_MS) {
        said = performance.now();
        this.#observer.loading(read, swarms - inactive);
      }
      await yieldToOthers();
    }
    if (this.#stop.signal.aborted) return false;
    if (read > 0) this.#observer.loaded(loader.counts, performance.now() - began, database.name);
    return true;
  }

  /** Makes a new file where the old one is damaged or gone. @returns whether it was. @throws DatabaseError */
  async #replaceFile(error: unknown): Promise<boolean> {
    const isEmbedded = this.#kind.embedded !== undefined;
    if (!(error instanceof DatabaseError) || !isEmbedded) return false;
    // One that is gone has to be open still, to be read.
    if (error.failure === "corrupt") await this.close();
    const database = await this.#files.replace(error, this.#database);
    if (database === undefined) return false;
    const { last } = this.#files;
    if (last !== null) this.#observer.replaced(last);
    if (last?.isWhole !== true) this.#saver.distrust();
    this.#database = database;
    try {
      await database.claim();
    } catch (claimed) {
      await this.close();
      throw claimed;
    }
    return true;
  }

  async #purge(database: Database): Promise<void> {
    if (performance.now() < this.#purgedAt + PURGE_MS && this.#purgedAt !== 0) return;
    if (this.#stop.signal.aborted) return;
    await purge(database, seconds(), this.#options, (workedMs) => delay(workedMs * REST_FACTOR));
    this.#purgedAt = performance.now();
  }

  #succeed(tookMs: number): void {
    this.#observer.saved(this.#saver.written - this.counters.written, tookMs);
    this.counters.written = this.#saver.written;
    this.counters.cut = this.#saver.cut;
    this.counters.savedAt = Date.now();
    this.counters.saveMs = tookMs;
    if (this.#failingSince !== undefined) this.#observer.recovered(performance.now() - this.#failingSince);
    this.#failingSince = undefined;
    this.#failuresInTurn = 0;
    this.#failure = null;
  }

  #fail(error: unknown): void {
    const now = performance.now();
    this.counters.failures++;
    this.#failingSince ??= now;
    this.#failure = error instanceof Error ? error.message : String(error);
    const wait = Math.max(RETRY_MS, Math.min(RETRY_LIMIT_MS, this.#options.saveIntervalMs));
    this.#nextAt = now + Math.min(wait, RETRY_MS * 2 ** this.#failuresInTurn++);
    this.#observer.failed(error);
  }
}

/** The wall clock. */
function seconds(): number {
  return Math.floor(Date.now() / 1000);
}
