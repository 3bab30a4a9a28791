/** Persistence: storage, wired to configuration and log. */
import type { Panel } from "../admin/panel.ts";
import { databasePanel } from "../admin/panels/database-panel.ts";
import type { CountedTimes, HistoryRow } from "../admin/sources.ts";
import { databaseSettings } from "../config/database-settings.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { PolicyData } from "../data-plane/protocol.ts";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import { PeerGroups } from "../network/peer-groups.ts";
import { DatabaseError } from "../storage/database.ts";
import type { LastReplacement } from "../storage/file-replacements.ts";
import { GroupTotals } from "../storage/group-totals.ts";
import { Storage, type StorageObserver } from "../storage/storage.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { RepeatLimit } from "../telemetry/repeat-limit.ts";
import type { Component } from "./lifecycle.ts";

/** The time between two messages about the progress of loading. */
const PROGRESS_MS = 5000;

const DAY_SECONDS = 86_400;

/** What persistence is made of. */
export interface PersistenceParts {
  readonly loaded: LoadedConfig;
  readonly store: SwarmStore;
  /** Counts for each peer group: one array for each worker, and one for the control plane. */
  readonly activity: readonly Float64Array[];
  /** Returns the policy in force. */
  readonly policy: () => PolicyData;
  readonly log: Logger;
}

/** Loads the swarms when it starts, and saves everything when it stops. */
export class Persistence implements Component {
  /** What is shown of the database. */
  readonly panel: Panel;
  /** Saves periodically. Starts after the workers: if they cannot start, the database is left as it is. */
  readonly saving: Component = { start: () => this.#startSaving() };
  readonly #parts: PersistenceParts;
  readonly #storage: Storage;
  readonly #totals: GroupTotals;
  #isSaving = false;

  constructor(parts: PersistenceParts) {
    const { loaded, store, activity, log } = parts;
    const { database, tracker } = loaded.config;
    this.#parts = parts;
    this.#totals = new GroupTotals(activity);
    const options = {
      // The environment may hold the password.
      database: databaseSettings(loaded, process.env),
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

  /** Loads the swarms. @throws DatabaseError */
  async start(): Promise<void> {
    await this.#storage.open(() => {
      const { groups, peerExpiry, selection } = this.#parts.policy();
      return { groups: new PeerGroups(groups), peerExpiry, stallSeconds: selection.stallSeconds };
    });
  }

  /** Takes over the names of the groups. */
  adopt(_: LoadedConfig, { groups }: PolicyData): void {
    this.#rename(groups);
  }

  /** Saves everything and closes the database. Closes it without saving if the workers have not started. */
  async stop(): Promise<void> {
    if (this.#isSaving) await this.#storage.stop();
    else await this.#storage.close();
  }

  /** Reads saved totals, as `Sources.history` describes. */
  history(span: number, from: number, to?: number): Promise<readonly HistoryRow[] | undefined> {
    return this.#storage.readTotals(span, from, to);
  }

  /** The times of the saved totals, as `Sources.counted` describes. */
  counted(): CountedTimes {
    const now = Date.now() / 1000;
    const { savedAt } = this.#storage.counters;
    return { now, startedAt: now - process.uptime(), savedAt: savedAt === 0 ? undefined : savedAt / 1000 };
  }

  #startSaving(): void {
    this.#rename(this.#parts.policy().groups);
    this.#isSaving = true;
    this.#storage.start();
  }

  #rename({ groups }: PeerGroupsData): void {
    this.#totals.rename(groups, Math.floor(Date.now() / 1000));
  }
}

/** Logs what happens to the database. */
class StorageLog implements StorageObserver {
  readonly #log: Logger;
  readonly #progress = new RepeatLimit(PROGRESS_MS);
  readonly #failures = new RepeatLimit();
  #attempts = 0;

  constructor(log: Logger) {
    this.#log = log;
    this.#progress.admit(); // A short loading is not logged.
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
      this.#log.warning(
        { refused, key: "tracker.max_peers" },
        "the tracker is full: some saved peers were not loaded",
      );
    if (broken > 0) this.#log.error({ broken }, "some rows of the database are invalid, and were not loaded");
  }

  saved(rows: number, tookMs: number): void {
    if (rows > 0) this.#log.diagnostic({ rows, ms: Math.round(tookMs) }, "changes are saved");
  }

  replaced({ cause, reason, swarms, totals, keptAs }: LastReplacement): void {
    const fields = { reason, torrents: swarms, totals, path: keptAs };
    const messages = {
      corrupt: "the database is damaged: it was renamed, and a new one has the rows that could be read",
      moved: "the database file was removed or replaced: a new one is written, from memory and the old file",
    };
    this.#log.critical(fields, messages[cause]);
  }

  failed(error: unknown): void {
    this.#attempts++;
    if (!this.#failures.admit()) return;
    const fields = { ...reasonOf(error), attempts: this.#attempts };
    this.#log.error(
      fields,
      "the database is unavailable: nothing is saved; announces continue, and saving is retried",
    );
  }

  recovered(awayMs: number): void {
    this.#log.info(
      { seconds: Math.round(awayMs / 1000), attempts: this.#attempts },
      "the database is available again, and everything is saved",
    );
    this.#attempts = 0;
    this.#failures.reset();
  }

  rescued(path: string): void {
    const message =
      "the state is saved in a file beside the database: move it to the database's path before the next start";
    this.#log.critical({ path }, message);
  }

  gaveUp(error: unknown): void {
    this.#log.error(reasonOf(error), "stopping without having saved everything");
  }
}

/** Of a database failure the message is logged; of a bug, the stack. */
function reasonOf(error: unknown): Record<string, unknown> {
  return error instanceof DatabaseError ? { reason: error.message } : { err: error };
}

/** Removes the password from a URL, to show it. */
function withoutPassword(url: string): string {
  return url.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, "$1@");
}
