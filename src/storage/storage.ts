/**
 * Persists the swarms in a database. Loads them before the first announce, saves changes, and tolerates a database that
 * is unavailable, slow, full or damaged. The data plane does not depend on it.
 */
import { setTimeout as delay, setImmediate as yieldToOthers } from "node:timers/promises";
import { steadySeconds } from "../platform/clock.ts";
import { type Rest, restAfter } from "../platform/rest.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
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

/** How often vanished swarms are collected, and the time of the next save is checked. */
const TICK_MS = 1000;

/**
 * Saving begins when this part of the interval has passed, so that a change is written within the interval. It rests
 * between slices until the second part has passed as well.
 */
const BEGIN_PART = 0.7;
const REST_PART = 0.2;

/** The delay of the next attempt after a failure. It doubles each time, up to the limit or the save interval. */
const RETRY_MS = 500;
const RETRY_LIMIT_MS = 30_000;
/** Passes of one save over what could not be locked, and the time between them. */
const PASSES = 3;
const PASS_WAIT_MS = 50;
/** For how long a stop retries. */
const LAST_ATTEMPTS_MS = 10_000;

/** How often the database file is verified between saves. */
const VERIFY_MS = 10_000;

/** Failures that waiting does not fix. */
const PERMANENT: readonly DatabaseFailure[] = ["foreign", "misplaced", "denied", "schema"];

const PURGE_MS = 60_000;
const PAGE = 500;
const SAY_MS = 1000;

/** Options of storage. Times in milliseconds unless a name says otherwise. */
export interface StorageOptions {
  readonly database: DatabaseSettings;
  readonly store: SwarmStore;
  readonly totals: GroupTotals;
  readonly saveIntervalMs: number;
  /** Whether the tracker must not start without the database. */
  readonly required: boolean;
  /** Whether the schema of a server is made and upgraded here; the embedded one always is. */
  readonly autoUpgrade: boolean;
  /** For how many seconds inactive torrents are stored, and how many of them. */
  readonly inactiveSeconds: number;
  readonly inactiveLimit: number;
}

/** Events for the operator. */
export interface StorageObserver {
  /** Progress of loading, about once a second. */
  loading(swarms: number, ofSwarms: number): void;
  /** Loading is complete. Not called for an empty database. */
  loaded(counts: LoadCounts, tookMs: number, database: string): void;
  /** All changes are saved. */
  saved(rows: number, tookMs: number): void;
  /** The file was damaged, moved or deleted, and a new file has replaced it. */
  replaced(replacement: LastReplacement): void;
  /** The database cannot be used. Called for every failed attempt; attempts continue. */
  failed(error: unknown): void;
  /** The database can be used again, and all changes are saved. */
  recovered(unavailableMs: number): void;
  /** The tracker stops, and has saved to another file: another program's file is at the configured path. */
  rescued(path: string): void;
  /** The tracker stops, and some changes could not be saved to the configured database. */
  gaveUp(error: unknown): void;
}

/** The storage of one tracker. */
export class Storage {
  /**
   * For metrics: rows written, rows that were truncated, vanished swarms that were missed, failed attempts, the time of
   * the last complete save (milliseconds since 1970), and how long that took.
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
  /** Whether the database could be used at least once. */
  #wasReady = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: StorageOptions, observer: StorageObserver) {
    this.#options = options;
    this.#kind = databaseKind(options.database);
    this.#observer = observer;
    this.#store = options.store;
    this.#saver = new Saver(this.#store, steadySeconds, seconds);
    this.#files = new FileReplacements(options.database);
  }

  /**
   * Opens the database and loads the swarms. A database that is not required and cannot be used is loaded later.
   * @param settings called when loading begins.
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

  /** Starts to save periodically. */
  start(): void {
    this.#nextAt ||= performance.now() + this.#options.saveIntervalMs * BEGIN_PART;
    this.#running = this.#run();
  }

  /** Saves everything and closes the database. Called when nothing changes any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#collect();
    const end = performance.now() + LAST_ATTEMPTS_MS;
    let problem = await this.#attempt();
    while (problem !== undefined && this.#isTransient(problem) && performance.now() < end) {
      await delay(RETRY_MS);
      problem = await this.#attempt();
    }
    if (problem !== undefined) {
      this.#observer.gaveUp(problem);
      await this.#rescue().catch(() => {});
    }
    await this.close();
  }

  /** Saves to a file beside the configured path, where another program's file is. */
  async #rescue(): Promise<void> {
    const database = await this.#files.rescue(this.#database);
    if (database === undefined) return;
    await this.#database?.close().catch(() => {});
    this.#database = database;
    await this.#save(database, () => yieldToOthers());
    await this.#options.totals.write(database);
    this.#observer.rescued(database.name);
  }

  /** Closes the database without saving, for a tracker that could not start. */
  async close(): Promise<void> {
    await this.#database?.close().catch(() => {});
    this.#database = undefined;
  }

  /** The time since which the database cannot be used, in milliseconds since 1970, or null. */
  get failingSince(): number | null {
    return this.#failingSince === undefined ? null : performance.timeOrigin + this.#failingSince;
  }

  /** The reason why the database cannot be used, for the operator, or null. */
  get failure(): string | null {
    return this.#failure;
  }

  /** How often the file of an embedded database was replaced, and the last replacement. */
  get replacements(): { readonly count: number; readonly last: LastReplacement | null } {
    return this.#files;
  }

  /** The totals of a span from a moment on, up to another. @returns undefined when the database cannot be used. */
  async readTotals(span: number, from: number, to?: number): Promise<GroupTotal[] | undefined> {
    if (this.#database === undefined || this.#failingSince !== undefined) return undefined;
    try {
      return await this.#database.readTotals(span, from, to);
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
      this.#collect();
      if (!(await this.#isInPlace())) this.#nextAt = 0;
      if (!signal.aborted && performance.now() >= this.#nextAt) await this.#attempt();
    }
  }

  /** Takes over what the workers have counted. */
  #collect(): void {
    this.#saver.collectVanished();
    this.counters.missed = this.#saver.missed;
    this.#options.totals.collect(seconds());
  }

  /** Saves once. @returns the error, or undefined. */
  async #attempt(): Promise<unknown> {
    const began = performance.now();
    const { saveIntervalMs, totals } = this.#options;
    try {
      const database = await this.#ready();
      const rest = (workedMs: number) => this.#rest(workedMs, began + saveIntervalMs * REST_PART);
      const isComplete = await this.#save(database, rest);
      await totals.write(database);
      await this.#purge(database);
      database.releaseMemory?.();
      if (!isComplete) {
        this.#nextAt = performance.now() + RETRY_MS;
        return undefined;
      }
    } catch (error) {
      await this.#replaceFile(error).catch(() => false);
      this.#fail(error);
      return error;
    }
    this.#nextAt = began + saveIntervalMs * BEGIN_PART;
    this.#succeed(performance.now() - began);
    return undefined;
  }

  /** Saves, and repeats it while something is left out. @returns whether everything was written in the end. */
  async #save(database: Database, rest: Rest): Promise<boolean> {
    const loader = this.#load === undefined ? undefined : new SwarmLoader(this.#store, this.#load());
    for (let pass = 1; !(await this.#saver.save(database, rest, loader)); pass++) {
      if (pass === PASSES) return false;
      await delay(PASS_WAIT_MS);
    }
    return true;
  }

  /** Rests, unless the save is late or the tracker is stopping. */
  async #rest(workedMs: number, until: number): Promise<void> {
    if (this.#stop.signal.aborted || performance.now() > until) await yieldToOthers();
    else await restAfter(workedMs);
  }

  /** The database: open, claimed, verified, of the right version, and loaded. */
  async #ready(): Promise<Database> {
    try {
      return await this.#readyWithoutRepair();
    } catch (error) {
      if (await this.#replaceFile(error)) return await this.#readyWithoutRepair();
      throw error;
    }
  }

  async #readyWithoutRepair(): Promise<Database> {
    await this.#database?.verify();
    this.#database ??= await this.#open();
    if (this.#load !== undefined && (await this.#loadAll(this.#database, this.#load())))
      this.#load = undefined;
    this.#wasReady = true;
    return this.#database;
  }

  /** Verifies the file from time to time. A database that is failing is retried anyway. */
  async #isInPlace(): Promise<boolean> {
    const now = performance.now();
    if (this.#database === undefined || this.#failingSince !== undefined || now < this.#verifyAt) return true;
    this.#verifyAt = now + VERIFY_MS;
    return await this.#database.verify().then(
      () => true,
      () => false,
    );
  }

  /** Whether a retry may help. It does not for a file that could not be opened since the start. */
  #isTransient(problem: unknown): boolean {
    if (!this.#wasReady && this.#kind.embedded !== undefined) return false;
    return !(problem instanceof DatabaseError && PERMANENT.includes(problem.failure));
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

  /** @returns whether all was loaded: false when the tracker stops meanwhile. */
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

  /** Replaces a damaged or missing file. @returns whether it did. @throws DatabaseError */
  async #replaceFile(error: unknown): Promise<boolean> {
    const isEmbedded = this.#kind.embedded !== undefined;
    if (!(error instanceof DatabaseError) || !isEmbedded) return false;
    // A moved file is read through the open database.
    if (error.failure === "corrupt") await this.close();
    const database = await this.#files.replace(error, this.#database);
    if (database === undefined) return false;
    const { last } = this.#files;
    if (last !== null) this.#observer.replaced(last);
    if (last?.isWhole !== true) this.#saver.assumeNothingSaved();
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
    await purge(database, seconds(), this.#options, restAfter);
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
