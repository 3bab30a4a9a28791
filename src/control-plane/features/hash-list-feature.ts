/** The hash list, wired to configuration and log. */

import type { Panel } from "../../admin/panel.ts";
import { hashListPanel } from "../../admin/panels/hash-list-panel.ts";
import type { EncodedHashList } from "../../admin/sources.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { PolicyData } from "../../data-plane/protocol.ts";
import { EncodedLists } from "../../hash-list/encoded-lists.ts";
import type { HashListFormat } from "../../hash-list/formats/formats.ts";
import { isStale, readHandshakes } from "../../hash-list/handshake-reader.ts";
import { dpiStatistics, type HandshakeSource, routerCounters } from "../../hash-list/handshake-sources.ts";
import { Handshakes } from "../../hash-list/handshakes.ts";
import { HashListMaker, type HashListObserver } from "../../hash-list/hash-list-maker.ts";
import type { HashListSettings } from "../../hash-list/settings.ts";
import { describeFailure } from "../../platform/failure.ts";
import type { SwarmStore } from "../../store/swarm-store.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { RepeatLimit } from "../../telemetry/repeat-limit.ts";
import { AccessList, buildAccessList } from "../../tracker/access-list.ts";
import type { Feature } from "../feature.ts";

/** Maximum time between two readings of handshake counts. */
const READ_COUNTS_MS = 60_000;

/** Makes and publishes the hash list, and reads the handshake counts of routers and DPI boxes. */
export class HashListFeature implements Feature {
  readonly panel: Panel;
  readonly handshakes = new Handshakes();
  readonly #log: HashListLog;
  readonly #maker: HashListMaker;
  readonly #encoded = new EncodedLists();
  #sources: readonly HandshakeSource[];
  /** The time at which each file that was read was last written, in milliseconds since 1970. */
  readonly #written = new Map<string, number>();
  /** Stops reading counts. */
  #reading = new AbortController();

  constructor(loaded: LoadedConfig, policy: PolicyData, store: SwarmStore, log: Logger) {
    this.#log = new HashListLog(log);
    this.#maker = new HashListMaker(store, settingsOf(loaded), policy.groups, this.#log);
    this.#sources = sourcesOf(loaded);
    this.panel = hashListPanel({
      maker: this.#maker,
      handshakes: this.handshakes,
      counterFiles: () => this.#sources.map((source) => this.#counterFile(source)),
    });
  }

  /** Takes over settings and sources of counts. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void {
    void this.#maker.adopt(settingsOf(loaded), policy.groups);
    const before = this.#sources;
    this.#sources = sourcesOf(loaded);
    if (this.#sources.map(({ file }) => file).join("\n") !== before.map(({ file }) => file).join("\n"))
      this.handshakes.beginAnew();
    this.#readCounts();
  }

  get isDryRun(): boolean {
    return this.#maker.settings.dryRun;
  }

  /** Encodes the present list. */
  async encode(format: HashListFormat): Promise<EncodedHashList> {
    const list = await this.#maker.now();
    const timeout = 2 * this.#maker.settings.interval;
    const { bytes, sha256 } = await this.#encoded.encode(list, format, timeout);
    return { bytes, sha256, changedAt: list.changedAt, validUntil: list.validUntil };
  }

  /** Begins to make lists and to read counts. */
  start(): void {
    this.#maker.start();
    this.#readCounts();
  }

  /** Empties the list. */
  async stop(): Promise<void> {
    this.#reading.abort();
    await this.#maker.stop();
  }

  #counterFile({ by, file }: HandshakeSource) {
    const writtenAt = this.#written.get(file) ?? 0;
    return { by, file, writtenAt, isStale: isStale(writtenAt) };
  }

  /** Restarts reading, with the present sources. */
  #readCounts(): void {
    this.#reading.abort();
    this.#reading = new AbortController();
    const { handshakes } = this;
    const { signal } = this.#reading;
    const everyMs = Math.min(READ_COUNTS_MS, this.#maker.settings.interval * 1000);
    const failed = (error: Error) => this.#log.countsFailed(error);
    for (const source of this.#sources) {
      const written = (atMs: number) => this.#written.set(source.file, atMs);
      void readHandshakes(source, { handshakes, written, failed, everyMs, signal });
    }
  }
}

function sourcesOf({ config: { hashlist } }: LoadedConfig): HandshakeSource[] {
  const { router_counters: router, dpi_statistics: dpi } = hashlist;
  return [
    ...(router === null ? [] : [routerCounters(router)]),
    ...(dpi === null ? [] : [dpiStatistics(dpi.file, dpi.pattern)]),
  ];
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

/** Logs what happens to the hash list. */
class HashListLog implements HashListObserver {
  readonly #log: Logger;
  readonly #failures = new RepeatLimit();

  constructor(log: Logger) {
    this.#log = log;
  }

  changed(entered: number, left: number, entries: number): void {
    this.#log.diagnostic({ entered, left, entries }, "the hash list has changed");
  }

  failed(error: unknown): void {
    if (!this.#failures.admit()) return;
    this.#log.error({ reason: describeFailure(error).message }, "the hash list cannot be written");
  }

  countsFailed(error: Error): void {
    this.#log.warning({ reason: error.message }, "handshake counts cannot be read");
  }
}
