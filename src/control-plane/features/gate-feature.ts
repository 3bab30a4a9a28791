/** The gate, wired to configuration, store and tasks. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Panel } from "../../admin/panel.ts";
import { gatePanel } from "../../admin/panels/gate-panel.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { PolicyData } from "../../data-plane/protocol.ts";
import { Gate } from "../../gate/gate.ts";
import { type GateFileSettings, writeGateFiles } from "../../gate/gate-files.ts";
import type { GateSettings } from "../../gate/settings.ts";
import { steadySeconds } from "../../platform/clock.ts";
import { describeFailure } from "../../platform/failure.ts";
import { KeyedHash } from "../../store/keyed-hash.ts";
import type { SwarmStore } from "../../store/swarm-store.ts";
import { TASK } from "../../tasks/task-queue.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { RepeatLimit } from "../../telemetry/repeat-limit.ts";
import { AccessList, buildAccessList } from "../../tracker/access-list.ts";
import type { Feature } from "../feature.ts";
import { repeating } from "../lifecycle.ts";
import type { TaskDispatcher } from "../task-dispatcher.ts";

/** How often the gated torrents and the closed endpoints are added to the totals. */
const SAMPLE_MS = 1000;

/** What the feature needs. */
export interface GateFeatureParts {
  readonly store: SwarmStore;
  readonly tasks: TaskDispatcher;
  readonly log: Logger;
}

/** Decides which subscribers' connections to the outside routers refuse, if that is switched on. */
export class GateFeature implements Feature {
  readonly panel: Panel;
  /** Undefined when it was off at the start: then there is no memory for it. */
  readonly current: Gate | undefined;
  readonly #log: Logger;
  readonly #failures = new RepeatLimit();
  readonly #stop = new AbortController();
  readonly #sampling = repeating(SAMPLE_MS, () => this.#sample());
  #files: GateFileSettings;
  #writing: Promise<void> = Promise.resolve();
  #last: Promise<void> = Promise.resolve();

  constructor({ store, tasks, log }: GateFeatureParts, loaded: LoadedConfig, { groups }: PolicyData) {
    const settings = settingsOf(loaded);
    this.#log = log;
    this.#files = loaded.config.gate;
    if (settings.enabled) {
      const tracker = randomBytes(8).toString("hex");
      const key = randomBytes(8);
      const hash = new KeyedHash(key.readUInt32LE(0), key.readUInt32LE(4));
      const gate = new Gate({ store, hash, settings, groups, tracker, now: steadySeconds });
      tasks.handle(TASK.gate, (_worker, _token, bytes) => gate.request(bytes));
      tasks.handle(TASK.ungate, (_worker, _token, bytes) => gate.ungate(bytes));
      this.current = gate;
    }
    this.panel = gatePanel(() => this.current);
  }

  /** What the gate does, for the totals in the database (store/group-activity.ts). */
  get activity(): readonly Float64Array[] {
    return this.current === undefined ? [] : [this.current.totals.activity];
  }

  /** Takes over settings and groups. */
  adopt(loaded: LoadedConfig, { groups }: PolicyData): void {
    this.current?.adopt(settingsOf(loaded), groups);
    const before = this.#files;
    this.#files = loaded.config.gate;
    if (before.path !== this.#files.path) void this.#inTurn(() => this.#write(before, true));
  }

  /** Begins to look at swarms, and to write files. */
  start(): void {
    this.current?.start();
    this.#sampling.start?.();
    this.#writing = this.#writeAll();
  }

  /** Ends all streams, and empties the files. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#sampling.stop?.();
    await this.current?.stop();
    await this.#writing;
    await this.#inTurn(() => this.#write(this.#files, true));
  }

  #sample(): void {
    if (this.current === undefined) return;
    const { gated, sizes } = this.current.watch.tables;
    this.current.checkRouters();
    this.current.totals.sample(performance.now(), gated, sizes.closed);
  }

  async #writeAll(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#inTurn(() => this.#write(this.#files, false));
      await delay(this.#files.interval * 1000, undefined, { signal }).catch(() => {});
    }
  }

  /** Writings come one after the other. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(write);
    return this.#last;
  }

  async #write(files: GateFileSettings, isEmpty: boolean): Promise<void> {
    if (this.current === undefined) return;
    const { watch, lists } = this.current;
    try {
      await writeGateFiles(files, isEmpty ? undefined : watch.tables, lists.version, Date.now());
    } catch (error) {
      if (this.#failures.admit())
        this.#log.error(
          { reason: describeFailure(error).message },
          "the files of the gate cannot be written",
        );
    }
  }
}

function settingsOf({ config: { gate, selection, tracker }, gateExclude }: LoadedConfig): GateSettings {
  return {
    enabled: gate.enabled,
    groups: gate.groups,
    seeders: gate.seeders,
    exclude: new AccessList(buildAccessList("deny", gateExclude)),
    maxTorrents: gate.max_torrents,
    maxEndpoints: gate.max_endpoints,
    home: selection.home,
    stallSeconds: selection.stall_seconds,
    interval: tracker.interval,
  };
}
