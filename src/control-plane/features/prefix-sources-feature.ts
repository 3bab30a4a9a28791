/** Prefix sources, wired to configuration and log. */
import type { Panel } from "../../admin/panel.ts";
import { prefixSourcesPanel } from "../../admin/panels/prefix-sources-panel.ts";
import type { LoadedConfig } from "../../config/load.ts";
import { PrefixSource } from "../../prefix-sources/prefix-source.ts";
import { readPrefixSource } from "../../prefix-sources/read-source.ts";
import type { PrefixSourceSettings } from "../../prefix-sources/settings.ts";
import type { CopyChange } from "../../prefix-sources/source-copy.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Feature } from "../feature.ts";

/** How often the feature looks for sources that are due, in milliseconds. */
const PUMP_MS = 1000;

/** Sources that are read at the same time. */
const READS_LIMIT = 4;

/**
 * Reads the sources of peer groups at their intervals, and keeps their copies. It does not change the peer groups: the
 * configuration reads the copies, and a changed copy causes a reload like every changed file.
 */
export class PrefixSourcesFeature implements Feature {
  readonly panel: Panel;
  readonly #log: Logger;
  #sources: PrefixSource[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(loaded: LoadedConfig, log: Logger) {
    this.#log = log;
    this.panel = prefixSourcesPanel(() => this.#sources);
    this.adopt(loaded);
  }

  /** Takes over the sources. Unchanged ones keep their schedule; new and changed ones are read at once. */
  adopt({ prefixSources }: LoadedConfig): void {
    const before = new Map(this.#sources.map((source) => [JSON.stringify(source.settings), source]));
    this.#sources = prefixSources.map((settings) => {
      const key = JSON.stringify(settings);
      const source = before.get(key) ?? makeSource(settings);
      before.delete(key);
      void source.lookAtCopy();
      return source;
    });
    for (const source of before.values()) void source.stop();
  }

  /** Begins to read. */
  start(): void {
    this.#timer = setInterval(() => this.#pump(), PUMP_MS);
    this.#pump();
  }

  /** Ends reads in progress. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#sources.map((source) => source.stop()));
  }

  #pump(): void {
    let free = READS_LIMIT - this.#sources.filter(({ isReading }) => isReading).length;
    for (const source of this.#sources) {
      if (free <= 0) return;
      if (!source.isDue) continue;
      source.read((change) => this.#logRead(source, change));
      free--;
    }
  }

  #logRead({ settings, prefixes, notes, failure, copy }: PrefixSource, change: CopyChange | undefined): void {
    const { group } = settings;
    if (change === undefined)
      this.#log.warning(
        { group, failure },
        "the source of the peer group cannot be read: its copy stays in use",
      );
    else if (change === "held")
      this.#log.warning(
        { group, prefixes, file: copy.heldPath },
        "the source of the peer group has at most half of its prefixes: they are not used until they are confirmed",
      );
    else if (change === "changed")
      this.#log.info({ group, prefixes, notes }, "the source of the peer group has changed");
  }
}

function makeSource(settings: PrefixSourceSettings): PrefixSource {
  return new PrefixSource(settings, { read: readPrefixSource, now: Date.now });
}
