/**
 * The composition root of the control plane: reads the configuration, reserves the memory, starts the data plane,
 * reloads, and stops in reverse. Everything that must not slow an announce lives on this side.
 */
import { randomBytes } from "node:crypto";
import type { AdminListener } from "../admin/listener.ts";
import { type ConfigSource, type LoadedConfig, type LoadReport, loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Config } from "../config/schema.ts";
import { WatchedFiles } from "../config/watched-files.ts";
import { workerCount } from "../config/worker-count.ts";
import type { PolicyData, WorkerEvent } from "../data-plane/protocol.ts";
import { WorkerPool, type WorkerPoolObserver } from "../data-plane/worker-pool.ts";
import type { EngineChoice } from "../engine/choice.ts";
import type { ListenAddresses } from "../engine/engine.ts";
import { formatHostPort } from "../model/address-text.ts";
import { clockBase, readClock } from "../platform/clock.ts";
import { describeFailure } from "../platform/failure.ts";
import { BUILD_TEXT, VERSION } from "../platform/version.ts";
import { ASK_SECRET_WORDS } from "../services/external-trackers.ts";
import { allocateSwarmStore, type SwarmStoreData, shardsFor } from "../store/store-memory.ts";
import type { Recovery } from "../store/store-recovery.ts";
import { placeInheritedSockets, takeInheritedSockets } from "../systemd/inherited-sockets.ts";
import { type Notifier, openNotifier } from "../systemd/notifier.ts";
import { LimitWarnings } from "../telemetry/limit-warnings.ts";
import { type Logger, openLogger } from "../telemetry/logger.ts";
import { AdminState, makeAdminListener } from "./admin-wiring.ts";
import { readConnectionSecret } from "./connection-secret.ts";
import { chooseEngineFor, engineLimits } from "./engine-limits.ts";
import type { Feature } from "./feature.ts";
import { ForwardingFeature } from "./features/forwarding-feature.ts";
import { HashListFeature } from "./features/hash-list-feature.ts";
import { NeighborsFeature } from "./features/neighbors-feature.ts";
import { changedFixedKeys } from "./fixed-keys.ts";
import { Persistence } from "./persistence.ts";
import { buildPolicy } from "./policy.ts";
import { warnOfReplySources } from "./reply-sources.ts";
import { AdminError, AdminListenError, explainStartFailure, MemoryError } from "./start-failure.ts";
import { Supervision } from "./supervision.ts";
import { TaskDispatcher } from "./task-dispatcher.ts";
import { tryIt } from "./try-it.ts";

/** What is in flight at a stop has this long. */
const STOP_GRACE_MS = 3000;
const CHECK_LIMITS_MS = 1000;
const LOOK_AT_FILES_MS = 2000;

/**
 * Runs the tracker until SIGTERM or SIGINT; SIGHUP reloads.
 * @returns the exit code: 0 after a clean stop, 1 when it could not start or a thread died.
 */
export async function run(source: ConfigSource): Promise<number> {
  const watched = new WatchedFiles();
  const loaded = await loadConfig(source, watched.read);
  if (loaded.config === null) return refuse(loaded.problems.map(formatProblem).join("\n"));
  let log: Logger;
  try {
    log = openLogger(loggerOptions(loaded.config));
  } catch (error) {
    return refuse(`logging.path: ${describeFailure(error).message}`);
  }
  try {
    return await (await makeApp(source, loaded, watched, log)).run(loaded);
  } catch (error) {
    const reason = explainStartFailure(error);
    if (reason === undefined) throw error;
    return refuse(reason);
  } finally {
    await log.close();
  }
}

/** @throws what {@link explainStartFailure} explains. */
async function makeApp(
  source: ConfigSource,
  loaded: LoadedConfig,
  watched: WatchedFiles,
  log: Logger,
): Promise<App> {
  const { http, udp } = loaded.config.listen;
  const given = await takeInheritedSockets(process.env, process.pid);
  const listen = placeInheritedSockets({ streams: http, datagrams: udp }, given);
  const notifier = await openNotifier(process.env, process.pid);
  return new App(source, loaded, watched, log, await chooseEngineFor(loaded.config), listen, notifier);
}

class App {
  readonly #source: ConfigSource;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #plane: WorkerPool;
  readonly #tasks: TaskDispatcher;
  readonly #state: Persistence;
  readonly #features: readonly Feature[];
  readonly #shown: AdminState;
  readonly #admin: AdminListener;
  readonly #workers: number;
  readonly #engine: EngineChoice;
  readonly #limits: LimitWarnings;
  readonly #supervision: Supervision;
  readonly #watched: WatchedFiles;
  readonly #timers: NodeJS.Timeout[] = [];
  #policy: PolicyData;
  #reloading: Promise<void> = Promise.resolve();
  #reloadWaits = false;
  #isStopping = false;
  #end: (exitCode: number) => void = () => {};

  constructor(
    source: ConfigSource,
    loaded: LoadedConfig,
    watched: WatchedFiles,
    log: Logger,
    engine: EngineChoice,
    listen: ListenAddresses,
    notifier: Notifier | undefined,
  ) {
    const { config } = loaded;
    const workers = workerCount(config);
    const clockBaseMs = clockBase();
    this.#source = source;
    this.#config = config;
    this.#watched = watched;
    this.#log = log;
    this.#policy = buildPolicy(loaded);
    this.#workers = workers;
    this.#engine = engine;
    const store = allocateStore(config.tracker.max_peers, workers);
    this.#plane = new WorkerPool(
      {
        workers,
        engine: engine.kind,
        store,
        policy: this.#policy,
        listen,
        limits: engineLimits(config),
        connectionSecret: readConnectionSecret(process.env),
        askSecret: randomWords(ASK_SECRET_WORDS),
        clockBaseMs,
        randomWords,
      },
      this.#observer(),
    );
    this.#tasks = new TaskDispatcher(this.#plane);
    this.#supervision = new Supervision(notifier, this.#plane, store);
    this.#limits = new LimitWarnings(log, this.#plane.counters);
    const hashList = new HashListFeature(loaded, this.#policy, store, log);
    const neighbors = new NeighborsFeature({ store, tasks: this.#tasks, log }, loaded, this.#policy);
    const forwarding = new ForwardingFeature(
      { store, askTimes: this.#plane.askTimes, tasks: this.#tasks, now: () => readClock(clockBaseMs) },
      loaded,
      this.#policy,
    );
    this.#features = [hashList, neighbors, forwarding];
    const activity = [...this.#plane.activity, hashList.handshakes.activity];
    this.#state = new Persistence(loaded, store, activity, process.env, log);
    this.#shown = new AdminState(this.#policy, loaded.groups);
    try {
      this.#admin = makeAdminListener(
        {
          loaded,
          engine: engine.kind,
          workers,
          store,
          plane: this.#plane,
          state: this.#state,
          hashList,
          panels: this.#features.map(({ panel }) => panel),
          log,
        },
        this.#shown,
      );
    } catch (error) {
      throw new AdminError(describeFailure(error).message);
    }
  }

  /** Hears of what happens on the data plane. */
  #observer(): WorkerPoolObserver {
    return {
      told: (event) => this.#logEvent(event),
      reclassified: () => this.#log.info("known peers are classified by the new groups"),
      died: (worker, err, dropped) => this.#logDeath(worker, err, dropped),
      replaced: (worker) => this.#log.info({ worker }, "the data-plane thread is replaced"),
      gaveUp: (err, reason) => this.#giveUp(err, reason),
    };
  }

  async run(report: LoadReport): Promise<number> {
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    const stop = (signal: string) => {
      this.#log.info({ signal }, "stopping");
      this.#end(0);
    };
    const reload = () => this.reload("SIGHUP");
    // Before listening: a signal at any time does what it should.
    process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
    const page = await this.#admin.start().catch((error: unknown) => {
      throw new AdminListenError(error);
    });
    const addresses = await this.#start();
    this.#announceStart(report, addresses, page);
    this.#supervision.start();
    await this.#watched.watch(namedFiles(this.#source, report));
    this.#timers.push(
      setInterval(() => this.#limits.check(performance.now()), CHECK_LIMITS_MS),
      setInterval(() => void this.#reloadIfChanged(), LOOK_AT_FILES_MS),
    );
    const exitCode = await ended;
    this.#isStopping = true;
    this.#supervision.stopping();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#reloading;
    this.#shown.addresses = [];
    for (const feature of this.#features) await feature.stop();
    await this.#plane.stop(STOP_GRACE_MS);
    await this.#tasks.stop();
    await this.#state.stop();
    await this.#admin.stop();
    this.#log.info("stopped");
    return exitCode;
  }

  /** Loads the swarms, and then listens. */
  async #start(): Promise<ListenAddresses> {
    try {
      await this.#state.open(() => this.#policy);
      const addresses = await this.#plane.start();
      this.#tasks.start();
      this.#state.start(this.#policy.groups);
      for (const feature of this.#features) feature.start();
      return addresses;
    } catch (error) {
      await this.#state.close();
      await this.#admin.stop();
      throw error;
    }
  }

  /** Reads the configuration again; with problems, what is in force stays. One reload at a time, and none amid the end. */
  reload(reason: string): void {
    // One that has not begun will read what there is now.
    if (this.#reloadWaits) return;
    this.#reloadWaits = true;
    this.#reloading = this.#reloading.then(async () => {
      this.#reloadWaits = false;
      if (this.#isStopping) return;
      this.#supervision.reloading();
      await this.#reload(reason);
      this.#supervision.reloaded();
    });
  }

  async #reload(reason: string): Promise<void> {
    const loaded = await loadConfig(this.#source, this.#watched.read);
    await this.#watched.watch(namedFiles(this.#source, loaded));
    if (loaded.config === null) {
      for (const problem of loaded.problems) this.#log.error(formatProblem(problem));
      this.#log.error({ reason }, "not reloaded: the configuration in force stays");
      this.#shown.notices = ["The configuration was not reloaded: it has mistakes. The log names them."];
      return;
    }
    this.#policy = buildPolicy(loaded, this.#policy.groups);
    this.#plane.adopt(this.#policy);
    this.#state.rename(this.#policy.groups);
    for (const feature of this.#features) feature.adopt(loaded, this.#policy);
    this.#shown.policy = this.#policy;
    this.#shown.definitions = loaded.groups;
    this.#shown.notices = this.#adoptSecrets(loaded);
    this.#log.setLevel(loaded.config.logging.level);
    this.#report(loaded);
    const waiting = changedFixedKeys(this.#config, loaded.config);
    if (waiting.length > 0) this.#log.warning({ keys: waiting }, "changed keys that need a restart");
    this.#log.info({ reason, groups: this.#groupCounts() }, "reloaded");
  }

  /** Takes over what the files of `admin` hold now. @returns what a person should look at. */
  #adoptSecrets({ config, adminFiles }: LoadedConfig): string[] {
    // Other keys need a restart, and their files are of no use before it.
    if (changedFixedKeys(this.#config, config).includes("admin")) return [];
    try {
      this.#admin.adopt(adminFiles);
      return [];
    } catch (err) {
      this.#log.error({ err }, "admin.cert and admin.key are no pair: those in force stay");
      return ["The admin listener's new certificate and key are no pair: those in force stay."];
    }
  }

  async #reloadIfChanged(): Promise<void> {
    if (await this.#watched.changed()) this.reload("a file named in the configuration changed");
  }

  #announceStart(report: LoadReport, { streams, datagrams }: ListenAddresses, admin: string): void {
    this.#report(report);
    const { maxConnections } = engineLimits(this.#config);
    const { max_connections: wanted } = this.#config.listen;
    if (maxConnections < wanted) {
      const fields = { maxConnections, key: "listen.max_connections" };
      this.#log.warning(fields, "fewer connections than configured: the process may open too few files");
    }
    const { because } = this.#engine;
    if (because !== undefined) this.#log.info({ because }, "the engine is node, which is slower than uring");
    warnOfReplySources(this.#log, this.#engine.kind, datagrams);
    const http = streams.map((address) => `http://${formatHostPort(address)}/announce`);
    const udp = datagrams.map((address) => `udp://${formatHostPort(address)}/announce`);
    this.#shown.addresses = [...http, ...udp];
    const fields = {
      http,
      udp,
      admin,
      engine: this.#engine.kind,
      workers: this.#workers,
      groups: this.#groupCounts(),
      version: VERSION,
      build: BUILD_TEXT,
    };
    this.#log.info(fields, "ready");
    if ("defaults" in this.#source) process.stderr.write(tryIt(streams[0], admin));
  }

  /** What loading found that is no problem. */
  #report(report: LoadReport): void {
    for (const warning of report.warnings) this.#log.warning(formatProblem(warning));
  }

  #groupCounts(): Record<string, number> {
    return Object.fromEntries(this.#policy.groups.groups.map(({ name, prefixCount }) => [name, prefixCount]));
  }

  #logEvent(event: WorkerEvent): void {
    if (event.type !== "refused") return;
    const { address, reason, requests } = event;
    this.#log.diagnostic({ address, reason, requests }, "requests refused; the last of them");
  }

  #logDeath(worker: number, err: unknown, { shards, swarms, peers }: Recovery): void {
    this.#log.critical(
      { err, worker },
      "a data-plane thread died; the others go on, and it will be replaced",
    );
    if (shards === 0) return;
    this.#log.error(
      { worker, swarms, peers },
      "it died amid a change: the torrents of this part of the memory are dropped; their clients will announce again",
    );
  }

  #giveUp(err: unknown, reason: string): void {
    this.#log.critical({ err, reason }, "the data plane dies again and again: stopping");
    this.#end(1);
  }
}

function allocateStore(maxPeers: number, workers: number): SwarmStoreData {
  const [key0, key1] = randomWords(2);
  try {
    return allocateSwarmStore(maxPeers, shardsFor(workers), [key0, key1]);
  } catch (error) {
    throw new MemoryError(describeFailure(error).message);
  }
}

function loggerOptions({ logging }: Config): Parameters<typeof openLogger>[0] {
  return {
    path: logging.path ?? undefined,
    level: logging.level,
    switchTime: logging.switch_time,
    keepDays: logging.keep_days,
    maskAddresses: logging.mask_addresses,
  };
}

/** The files to watch: the configuration itself changes only when somebody says so. */
function namedFiles(source: ConfigSource, report: LoadReport): string[] {
  return report.files.filter((file) => "defaults" in source || file !== source.configFile);
}

function refuse(message: string): number {
  process.stderr.write(`btrt: ${message}\n`);
  return 1;
}

function randomWords(count: number): number[] {
  return Array.from({ length: count }, () => randomBytes(4).readUInt32LE());
}
