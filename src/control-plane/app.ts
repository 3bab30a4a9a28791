/**
 * The composition root of the control plane: reserves the memory, makes all
 * components, and runs their lifecycle. Everything that must not slow an announce runs on the control plane.
 */
import { randomBytes } from "node:crypto";
import { deriveSecrets } from "../cluster/secrets.ts";
import type { ClusterSettings } from "../cluster/settings.ts";
import { clusterSettings } from "../config/cluster-settings.ts";
import type { ConfigSource, LoadedConfig, LoadReport, LoadResult } from "../config/load.ts";
import { formatProblem, type Problem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import type { WatchedFiles } from "../config/watched-files.ts";
import { workerCount } from "../config/worker-count.ts";
import type { PolicyData } from "../data-plane/protocol.ts";
import { WorkerPool } from "../data-plane/worker-pool.ts";
import { type EngineChoice, preferHugePages } from "../engine/choice.ts";
import type { ListenAddresses } from "../engine/engine.ts";
import { forgetProgramPages } from "../engine/program-memory.ts";
import { formatHostPort } from "../model/address-text.ts";
import { countText } from "../model/count-text.ts";
import { clockBase, readClock } from "../platform/clock.ts";
import { describeFailure } from "../platform/failure.ts";
import { BUILD_TEXT, VERSION } from "../platform/version.ts";
import { ASK_SECRET_WORDS } from "../services/upstream-trackers.ts";
import { CONTROL_PLANE } from "../store/shard-lock.ts";
import { allocateSwarmStore, type SwarmStoreData, shardsFor } from "../store/store-memory.ts";
import { SwarmStore } from "../store/swarm-store.ts";
import type { Notifier } from "../systemd/notifier.ts";
import { LimitWarnings } from "../telemetry/limit-warnings.ts";
import type { Logger } from "../telemetry/logger.ts";
import { Admin } from "./admin.ts";
import { Alerts } from "./alerts.ts";
import { readConnectionSecret } from "./connection-secret.ts";
import { engineLimits } from "./engine-limits.ts";
import type { Feature } from "./feature.ts";
import { ClusterFeature, type ClusterFeatureParts } from "./features/cluster-feature.ts";
import { ForwardingFeature } from "./features/forwarding-feature.ts";
import { GateFeature } from "./features/gate-feature.ts";
import { HashListFeature } from "./features/hash-list-feature.ts";
import { NeighborsFeature } from "./features/neighbors-feature.ts";
import { PrefixSourcesFeature } from "./features/prefix-sources-feature.ts";
import { changedFixedKeys } from "./fixed-keys.ts";
import { type Component, Lifecycle, repeating } from "./lifecycle.ts";
import { PatienceControl } from "./patience-control.ts";
import { Persistence } from "./persistence.ts";
import { buildPolicy } from "./policy.ts";
import { returningMemory } from "./process-memory.ts";
import { Reloads } from "./reloads.ts";
import { warnOfReplySources } from "./reply-sources.ts";
import { MemoryError } from "./start-failure.ts";
import { Supervision } from "./supervision.ts";
import { TaskDispatcher } from "./task-dispatcher.ts";
import { tryIt } from "./try-it.ts";
import { WorkerLog } from "./worker-log.ts";

/** How long a stop waits for requests in flight. */
const STOP_GRACE_MS = 3000;
const CHECK_PATIENCE_MS = 60_000;
const CHECK_LIMITS_MS = 1000;
const CHECK_FILES_MS = 2000;

/** What the program has read and opened before the app is made. */
export interface AppOptions {
  readonly source: ConfigSource;
  readonly loaded: LoadedConfig & LoadReport;
  readonly watched: WatchedFiles;
  readonly log: Logger;
  readonly engine: EngineChoice;
  readonly listen: ListenAddresses;
  readonly notifier: Notifier | undefined;
}

/** The running tracker. */
export class App {
  readonly #options: AppOptions;
  readonly #log: Logger;
  readonly #admin: Admin;
  readonly #reloads: Reloads;
  readonly #supervision: Supervision;
  readonly #cluster: ClusterFeature;
  readonly #lifecycle: Lifecycle;
  /** The addresses that the workers listen on. */
  #listening: ListenAddresses = { streams: [], datagrams: [] };
  #policy: PolicyData;
  #end: (exitCode: number) => void = () => {};

  constructor(options: AppOptions) {
    const { source, loaded, watched, log, engine, notifier } = options;
    const { config } = loaded;
    const clockBaseMs = clockBase();
    this.#options = options;
    this.#log = log;
    this.#policy = buildPolicy(loaded);
    const settings = clusterSettings(loaded);
    const secrets = settings === undefined ? undefined : deriveSecrets(settings);
    const memory = allocateStore(config, secrets?.hashKey);
    // The only view of the control plane: its components never hold a shard across a turn of the event loop.
    const store = new SwarmStore(memory, CONTROL_PLANE);
    const workers = this.#makeWorkers(memory, store, clockBaseMs, secrets?.connectionSecret);
    const tasks = new TaskDispatcher(workers);
    const supervision = new Supervision(notifier, workers, store);
    this.#supervision = supervision;
    const hashList = new HashListFeature(loaded, this.#policy, store, log);
    const neighbors = new NeighborsFeature({ store, tasks, log }, loaded, this.#policy);
    const forwarding = new ForwardingFeature(
      { store, askTimes: workers.askTimes, tasks, now: () => readClock(clockBaseMs) },
      loaded,
      this.#policy,
    );
    const gate = new GateFeature({ store, tasks, log }, loaded, this.#policy);
    const prefixSources = new PrefixSourcesFeature(loaded, log);
    this.#cluster = this.#makeCluster(settings, workers, { store: memory, view: store, clockBaseMs });
    neighbors.shareWith(this.#cluster);
    const features: readonly Feature[] = [hashList, gate, neighbors, forwarding, prefixSources];
    const activity = [...workers.activity, hashList.handshakes.activity, ...gate.activity];
    const persistence = new Persistence({ loaded, store, activity, policy: () => this.#policy, log });
    const alerts = new Alerts(loaded, () => this.#admin.warnings(), log);
    const patience = new PatienceControl(workers, this.#policy);
    const limits = new LimitWarnings(log, workers.counters);
    this.#admin = new Admin({
      loaded,
      policy: this.#policy,
      engine: engine.kind,
      workerCount: workerCount(config),
      store: memory,
      view: store,
      workers,
      history: (span, from, to) => persistence.history(span, from, to),
      counted: () => persistence.counted(),
      hashList,
      gate,
      panels: [persistence, this.#cluster, ...features, patience, alerts].map(({ panel }) => panel),
      log,
    });
    this.#reloads = new Reloads({ source, watched, report: loaded, supervision, adopt: this.#adopt });
    // The page answers while swarms are loaded and saved. Announces are answered when the swarms are loaded.
    this.#lifecycle = new Lifecycle([
      { start: () => preferHugePages(engine.kind, [memory.heap.words, memory.traffic]) },
      this.#admin,
      persistence,
      tasks,
      this.#cluster, // Stops after the workers: the other nodes are told of the last announces.
      this.#serving(workers),
      persistence.saving,
      ...features,
      patience,
      alerts,
      { start: () => this.#ready(), stop: () => this.#notReady() },
      returningMemory(),
      this.#reloads,
      repeating(CHECK_PATIENCE_MS, () => patience.check()),
      repeating(CHECK_LIMITS_MS, () => limits.check(performance.now())),
      repeating(CHECK_FILES_MS, () => void this.#reloads.requestIfChanged()),
      supervision,
    ]);
  }

  /** Runs until a signal, or until the workers are given up. @returns the exit code. */
  async run(): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    const stop = (signal: string) => {
      this.#log.info({ signal }, "stopping");
      this.#end(0);
    };
    const reload = () => this.#reloads.request("SIGHUP");
    // Handlers are registered first, as a signal may arrive while the tracker starts.
    process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
    await this.#lifecycle.start();
    const exitCode = await ended;
    await this.#lifecycle.stop();
    this.#log.info("stopped");
    return exitCode;
  }

  /** @param connectionSecret that of a cluster; undefined without one. */
  #makeWorkers(
    store: SwarmStoreData,
    view: SwarmStore,
    clockBaseMs: number,
    connectionSecret: readonly number[] | undefined,
  ): WorkerPool {
    const { loaded, engine, listen } = this.#options;
    return new WorkerPool(
      {
        workers: workerCount(loaded.config),
        engine: engine.kind,
        store,
        view,
        policy: this.#policy,
        listen,
        limits: engineLimits(loaded.config),
        connectionSecret: connectionSecret ?? readConnectionSecret(process.env),
        replicates: connectionSecret !== undefined,
        askSecret: randomWords(ASK_SECRET_WORDS),
        clockBaseMs,
        randomWords,
      },
      new WorkerLog(
        this.#log,
        () => this.#end(1),
        () => this.#cluster.refetch(),
      ),
    );
  }

  #makeCluster(
    settings: ClusterSettings | undefined,
    { replication: rings }: WorkerPool,
    parts: Pick<ClusterFeatureParts, "store" | "view" | "clockBaseMs">,
  ): ClusterFeature {
    const readStatus = () => this.#admin.status();
    const all = { ...parts, rings, log: this.#log, readStatus };
    return new ClusterFeature(all, settings, this.#options.loaded, this.#policy);
  }

  #serving(workers: WorkerPool): Component {
    return {
      start: async () => {
        // Otherwise the process would be largest at the end of its start.
        await forgetProgramPages();
        this.#listening = await workers.start();
        await forgetProgramPages();
      },
      adopt: (_, policy) => workers.adopt(policy),
      stop: () => workers.stop(STOP_GRACE_MS),
    };
  }

  /** Follows a reload. If the configuration has errors, the previous one stays in force. */
  readonly #adopt = (result: LoadResult, reason: string): void => {
    const log = this.#log;
    if (result.config === null) {
      for (const problem of result.problems) log.error(formatProblem(problem));
      log.error(
        { reason },
        "not reloaded: the configuration has errors, and the previous one stays in force",
      );
      this.#notice(explainRefusedReload(result.problems));
      return;
    }
    this.#supervision.notice = undefined;
    this.#policy = buildPolicy(result, this.#policy.groups);
    this.#lifecycle.adopt(result, this.#policy);
    log.setLevel(result.config.logging.level);
    this.#logWarnings(result);
    const waiting = changedFixedKeys(this.#options.loaded.config, result.config);
    if (waiting.length > 0) log.warning({ keys: waiting }, "changed keys that need a restart");
    log.info({ reason, groups: this.#groupCounts() }, "reloaded");
  };

  /** Shows a notice in the status of the tracker and of its service. */
  #notice(text: string): void {
    this.#admin.notices = [text];
    this.#supervision.notice = text;
  }

  /** Reports that announces are answered. */
  #ready(): void {
    const { loaded, engine, source } = this.#options;
    const { streams, datagrams } = this.#listening;
    this.#logWarnings(loaded);
    const { maxConnections } = engineLimits(loaded.config);
    if (maxConnections < loaded.config.listen.max_connections) {
      const fields = { maxConnections, key: "listen.max_connections" };
      this.#log.warning(fields, "fewer connections than configured: the limit of open files is too low");
    }
    const { because } = engine;
    if (because !== undefined) this.#log.info({ because }, "the engine is node, which is slower than uring");
    warnOfReplySources(this.#log, engine.kind, datagrams);
    const http = streams.map((address) => `http://${formatHostPort(address)}/announce`);
    const udp = datagrams.map((address) => `udp://${formatHostPort(address)}/announce`);
    this.#admin.addresses = [...http, ...udp];
    const fields = {
      http,
      udp,
      admin: this.#admin.url,
      engine: engine.kind,
      workers: workerCount(loaded.config),
      groups: this.#groupCounts(),
      version: VERSION,
      build: BUILD_TEXT,
    };
    this.#log.info(fields, "ready");
    if ("defaults" in source) process.stderr.write(tryIt(streams[0], this.#admin.url));
  }

  #notReady(): void {
    this.#admin.addresses = [];
  }

  #logWarnings(report: LoadReport): void {
    for (const warning of report.warnings) this.#log.warning(formatProblem(warning));
  }

  #groupCounts(): Record<string, number> {
    return Object.fromEntries(this.#policy.groups.groups.map(({ name, prefixCount }) => [name, prefixCount]));
  }
}

/** @param hashKey that of a cluster; random without one. */
function allocateStore(config: Config, hashKey: readonly [number, number] | undefined): SwarmStoreData {
  const [key0, key1] = hashKey ?? randomWords(2);
  const { max_peers } = config.tracker;
  try {
    return allocateSwarmStore(max_peers, shardsFor(workerCount(config)), [key0, key1], config.gate.enabled);
  } catch (error) {
    throw new MemoryError(describeFailure(error).message);
  }
}

/** Names the first problem. The log has all of them. */
function explainRefusedReload([first, ...more]: readonly Problem[]): string {
  const others =
    more.length === 0 ? "" : ` (and ${countText(more.length, "further problem")}; the log has all)`;
  return `The new configuration is not in force: ${formatProblem(first)}${others}`;
}

function randomWords(count: number): number[] {
  return Array.from({ length: count }, () => randomBytes(4).readUInt32LE());
}
