/** The hash list, wired to configuration and log. */
import type { LoadedConfig } from "./config/load.ts";
import { describeFailure } from "./failure.ts";
import { HashListMaker, type HashListObserver } from "./hashlist/hash-list-maker.ts";
import type { HashListSettings } from "./hashlist/settings.ts";
import type { Logger } from "./telemetry/logger.ts";
import { AccessList, buildAccessList } from "./tracker/access-list.ts";
import type { SwarmStoreData } from "./tracker/store-memory.ts";
import type { PolicyData } from "./worker.ts";

/** Least time between two lines that say the same. */
const QUIET_MS = 60_000;

/** Makes and gives the list of one tracker. */
export class HashListPlane {
  readonly #maker: HashListMaker;

  constructor(loaded: LoadedConfig, policy: PolicyData, store: SwarmStoreData, log: Logger) {
    this.#maker = new HashListMaker(store, settingsOf(loaded), policy.groups, new HashListLog(log));
  }

  /** Follows a reload. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void {
    void this.#maker.adopt(settingsOf(loaded), policy.groups);
  }

  /** Begins to make lists. */
  start(): void {
    this.#maker.start();
  }

  /** Empties the list. */
  async stop(): Promise<void> {
    await this.#maker.stop();
  }
}

function settingsOf({ config: { hashlist }, hashListExclude }: LoadedConfig): HashListSettings {
  return {
    path: hashlist.path,
    formats: hashlist.formats,
    interval: hashlist.interval,
    minComplete: hashlist.min_complete,
    leaveComplete: hashlist.leave_complete,
    minPeers: hashlist.min_peers,
    minDwell: hashlist.min_dwell,
    tiers: hashlist.tiers,
    maxEntries: hashlist.max_entries,
    exclude: new AccessList(buildAccessList("deny", hashListExclude)),
    dryRun: hashlist.dry_run,
  };
}

/** Tells an operator. */
class HashListLog implements HashListObserver {
  readonly #log: Logger;
  #saidFailed = Number.NEGATIVE_INFINITY;

  constructor(log: Logger) {
    this.#log = log;
  }

  changed(entered: number, left: number, entries: number): void {
    this.#log.diagnostic({ entered, left, entries }, "the hash list has changed");
  }

  failed(error: unknown): void {
    if (performance.now() < this.#saidFailed + QUIET_MS) return;
    this.#saidFailed = performance.now();
    this.#log.error({ reason: describeFailure(error).message }, "the hash list cannot be written");
  }
}
