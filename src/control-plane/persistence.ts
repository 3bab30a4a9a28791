/** The state that survives, as the control plane sees it: storage, wired to configuration and log. */
import type { Panel } from "../admin/panel.ts";
import { databasePanel } from "../admin/panels/database-panel.ts";
import type { HistoryRow } from "../admin/sources.ts";
import { databaseSettings } from "../config/database-settings.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { PolicyData } from "../data-plane/protocol.ts";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { PeerGroups } from "../network/peer-groups.ts";
import { DatabaseError } from "../storage/database.ts";
import type { LastReplacement } from "../storage/file-replacements.ts";
import { GroupTotals } from "../storage/group-totals.ts";
import { Storage, type StorageObserver } from "../storage/storage.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import type { Logger } from "../telemetry/logger.ts";
import { RepeatLimit } from "../telemetry/repeat-limit.ts";

/** The time between two messages about the progress of loading. */
const PROGRESS_MS = 5000;

const DAY_SECONDS = 86_400;

/** Loads and saves the state of one tracker. */
export class Persistence {
  /** What is shown of the database. */
  readonly panel: Panel;
  readonly #storage: Storage;
  readonly #totals: GroupTotals;

  /**
   * @param activity what each worker counts of each peer group, and the control plane.
   * @param environment the process's, which may hold the password.
   */
  constructor(
    loaded: LoadedConfig,
    store: SwarmStoreData,
    activity: readonly Float64Array[],
    environment: Readonly<Record<string, string | undefined>>,
    log: Logger,
  ) {
    const { database, tracker } = loaded.config;
    this.#totals = new GroupTotals(activity);
    const options = {
      database: databaseSettings(loaded, environment),
      store,
      totals: this.#totals,
      saveIntervalMs: database.save_interval * 1000,
      required: database.required,
      autoUpgrade: database.auto_upgrade,
      inactiveSeconds: database.quiet_days * DAY_SECONDS,
      inactiveLimit: tracker.max_peers,
    };
    this.#storage = new Storage(options, new StorageLog(log));
    this.panel = databasePanel({
      url: withoutPassword(database.url),
      storage: this.#storage,
      totals: this.#totals,
    });
  }

  /**
   * Loads the swarms.
   * @param policy the one in force, whenever that comes about.
   * @throws DatabaseError
   */
  async open(policy: () => PolicyData): Promise<void> {
    await this.#storage.open(() => {
      const { groups, peerExpiry, selection } = policy();
      return { groups: new PeerGroups(groups), peerExpiry, stallSeconds: selection.stallSeconds };
    });
  }

  /** Totals kept, as `Sources.history` wants them. */
  history(span: number, from: number): Promise<readonly HistoryRow[] | undefined> {
    return this.#storage.readTotals(span, from);
  }

  /** Begins to save. */
  start(groups: PeerGroupsData): void {
    this.rename(groups);
    this.#storage.start();
  }

  /** Takes over the names of the groups. */
  rename({ groups }: PeerGroupsData): void {
    this.#totals.rename(groups, Math.floor(Date.now() / 1000));
  }

  /** Saves everything, when nothing changes any more. */
  async stop(): Promise<void> {
    await this.#storage.stop();
  }

  /** Lets go of the database without saving. */
  async close(): Promise<void> {
    await this.#storage.close();
  }
}

/** Tells an operator. */
class StorageLog implements StorageObserver {
  readonly #log: Logger;
  readonly #progress = new RepeatLimit(PROGRESS_MS);
  readonly #failures = new RepeatLimit();
  #attempts = 0;

  constructor(log: Logger) {
    this.#log = log;
    this.#progress.admit(); // a short loading is not logged
  }

  loading(swarms: number, ofSwarms: number): void {
    const { stderr } = process;
    if (stderr.isTTY)
      stderr.write(`\rloading ${swarms.toLocaleString("en")} of ${ofSwarms.toLocaleString("en")} torrents`);
    if (!this.#progress.admit()) return;
    this.#log.info({ swarms, ofSwarms }, "loading swarms");
  }

  loaded(counts: Parameters<StorageObserver["loaded"]>[0], tookMs: number, database: string): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    const { swarms, peers, expired, refused, broken } = counts;
    this.#log.info({ swarms, peers, expired, ms: Math.round(tookMs), database }, "swarms are loaded");
    if (refused > 0)
      this.#log.warning({ refused, key: "tracker.max_peers" }, "there was no room for all kept peers");
    if (broken > 0) this.#log.error({ broken }, "some rows of the database could not be understood");
  }

  saved(rows: number, tookMs: number): void {
    if (rows > 0) this.#log.diagnostic({ rows, ms: Math.round(tookMs) }, "changes are saved");
  }

  replaced({ cause, reason, swarms, totals, keptAs }: LastReplacement): void {
    const fields = { reason, torrents: swarms, totals, path: keptAs };
    const said = {
      corrupt: "the database is damaged: it was renamed, and a new one has what could be read of it",
      moved:
        "the database's file was gone or replaced: a new one is written, with what memory and the old one have",
    };
    this.#log.critical(fields, said[cause]);
  }

  failed(error: unknown): void {
    this.#attempts++;
    if (!this.#failures.admit()) return;
    const fields = { ...reasonOf(error), attempts: this.#attempts };
    this.#log.error(fields, "the database cannot be used: nothing is saved, announces go on, attempts too");
  }

  recovered(awayMs: number): void {
    this.#log.info(
      { seconds: Math.round(awayMs / 1000), attempts: this.#attempts },
      "the database can be used again, and has everything",
    );
    this.#attempts = 0;
    this.#failures.reset();
  }

  rescued(path: string): void {
    const message =
      "the state is saved beside the database: put this file in its place before the next start";
    this.#log.critical({ path }, message);
  }

  gaveUp(error: unknown): void {
    this.#log.error(reasonOf(error), "stopping without having saved everything");
  }
}

/** A mistake of the program's own has a stack worth seeing; a database's failure has a message. */
function reasonOf(error: unknown): Record<string, unknown> {
  return error instanceof DatabaseError ? { reason: error.message } : { err: error };
}

/** A URL as it may be shown. */
function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, "$1@");
}
