/** Reads the configuration again when a signal or a changed file asks for it. One reload runs at a time. */
import { type ConfigSource, type LoadReport, type LoadResult, loadConfig } from "../config/load.ts";
import type { WatchedFiles } from "../config/watched-files.ts";
import type { Component } from "./lifecycle.ts";
import type { Supervision } from "./supervision.ts";

/** What reloads need. */
export interface ReloadsOptions {
  readonly source: ConfigSource;
  readonly watched: WatchedFiles;
  /** What was loaded at the start. */
  readonly report: LoadReport;
  readonly supervision: Supervision;
  /** Takes over what was read, valid or not. */
  readonly adopt: (result: LoadResult, reason: string) => void;
}

/** Queues reloads. */
export class Reloads implements Component {
  readonly #options: ReloadsOptions;
  #running: Promise<void> = Promise.resolve();
  #isQueued = false;
  #isStopping = false;

  constructor(options: ReloadsOptions) {
    this.#options = options;
  }

  /** Begins to watch the files that the configuration names. */
  async start(): Promise<void> {
    await this.#watch(this.#options.report);
  }

  /** Waits for a running reload. Later requests are ignored. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** Requests a reload. @param reason for the log. */
  request(reason: string): void {
    // A queued reload has not read anything yet, and will see the present files.
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#running = this.#running.then(async () => {
      this.#isQueued = false;
      if (this.#isStopping) return;
      const { supervision } = this.#options;
      supervision.reloading();
      await this.#reload(reason);
      supervision.reloaded();
    });
  }

  /** Requests a reload if a watched file has changed. */
  async requestIfChanged(): Promise<void> {
    if (await this.#options.watched.changed()) this.request("a file named in the configuration changed");
  }

  async #reload(reason: string): Promise<void> {
    const { source, watched, adopt } = this.#options;
    const loaded = await loadConfig(source, watched.read);
    await this.#watch(loaded);
    adopt(loaded, reason);
  }

  /** Watches the named files; the configuration itself is only read again on request. */
  async #watch(report: LoadReport): Promise<void> {
    const { source, watched } = this.#options;
    await watched.watch(report.files.filter((file) => "defaults" in source || file !== source.configFile));
  }
}
