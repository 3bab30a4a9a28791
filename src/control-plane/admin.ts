/** The admin listener, wired to the configuration and to everything it shows. */
import { AdminListener } from "../admin/listener.ts";
import { readPage } from "../admin/page.ts";
import type { Panel } from "../admin/panel.ts";
import type { ShownPolicy, Sources } from "../admin/sources.ts";
import type { Status } from "../admin/status.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import type { PolicyData } from "../data-plane/protocol.ts";
import type { WorkerPool } from "../data-plane/worker-pool.ts";
import { describeFailure } from "../platform/failure.ts";
import { BUILD_TEXT, VERSION } from "../platform/version.ts";
import { memoryBound, type SwarmStoreData } from "../store/store-memory.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { Logger } from "../telemetry/logger.ts";
import { changedFixedKeys } from "./fixed-keys.ts";
import type { Component } from "./lifecycle.ts";
import { AdminError, AdminListenError } from "./start-failure.ts";

const PAGE = new URL("../../web/dist/", import.meta.url);

/** The parts of the admin listener. */
export interface AdminParts {
  readonly loaded: LoadedConfig;
  readonly policy: PolicyData;
  readonly engine: string;
  readonly workerCount: number;
  readonly store: SwarmStoreData;
  readonly view: SwarmStore;
  readonly workers: WorkerPool;
  readonly history: Sources["history"];
  readonly counted: Sources["counted"];
  readonly hashList: Sources["hashList"];
  readonly gate: Sources["gate"];
  /** The panels of persistence and features. */
  readonly panels: readonly Panel[];
  readonly log: Logger;
}

/** Serves status, metrics and the page. It starts before the swarms are loaded, and stops after everything else. */
export class Admin implements Component {
  /** The page's URL, once the listener has started. */
  url = "";
  /** Announce URLs; empty unless the workers are listening. */
  addresses: readonly string[] = [];
  /** Warnings about the configuration, for the operator. */
  notices: readonly string[] = [];
  readonly #parts: AdminParts;
  readonly #listener: AdminListener;
  #shown: ShownPolicy;
  #config: Config;

  /** @throws AdminError if certificate and key are invalid. */
  constructor(parts: AdminParts) {
    const { loaded, log } = parts;
    this.#parts = parts;
    this.#shown = { ...parts.policy, definitions: loaded.groups };
    this.#config = loaded.config;
    try {
      this.#listener = new AdminListener(this.#sources(), parts.panels, {
        listen: loaded.config.admin.listen,
        secrets: loaded.adminFiles,
        page: readPage(PAGE),
        failed: (err) => log.error({ err }, "the admin listener failed to answer"),
      });
    } catch (error) {
      throw new AdminError(describeFailure(error).message);
    }
  }

  /** Begins to listen. @throws AdminListenError */
  async start(): Promise<void> {
    try {
      this.url = await this.#listener.start();
    } catch (error) {
      throw new AdminListenError(error);
    }
  }

  /** Shows the new policy, and adopts the new contents of the files that `admin` names. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void {
    this.#shown = { ...policy, definitions: loaded.groups };
    this.#config = loaded.config;
    this.notices = this.#adoptSecrets(loaded);
  }

  /** The warnings that the status page shows now. */
  warnings(): readonly string[] {
    return this.#listener.status().warnings;
  }

  /** The status that the page shows now. */
  status(): Status {
    return this.#listener.status();
  }

  /** Stops listening. */
  async stop(): Promise<void> {
    await this.#listener.stop();
  }

  /** @returns warnings for the operator. */
  #adoptSecrets({ config, adminFiles }: LoadedConfig): string[] {
    // If other keys of `admin` have changed, they wait for a restart, and the files that they name wait with them.
    if (changedFixedKeys(this.#parts.loaded.config, config).includes("admin")) return [];
    try {
      this.#listener.adopt(adminFiles);
      return [];
    } catch (err) {
      this.#parts.log.error({ err }, "admin.cert and admin.key do not match: the previous pair stays in use");
      return ["The admin listener's new certificate and key do not match: the previous pair stays in use."];
    }
  }

  #sources(): Sources {
    const { engine, workerCount, store, view, workers, hashList, gate, history, counted } = this.#parts;
    return {
      version: VERSION,
      build: BUILD_TEXT,
      engine,
      workers: workerCount,
      addresses: () => this.addresses,
      store,
      view,
      memoryBound: memoryBound(store.maxPeers, store.shards, store.endpoints !== undefined),
      counters: workers.counters,
      activity: workers.activity,
      census: workers.census,
      policy: () => this.#shown,
      ready: () => this.addresses.length > 0,
      crashes: () => workers.crashes,
      hashList,
      gate,
      notices: () => this.notices,
      history,
      counted,
      reportPrice: () => {
        const { price_per_mbit, currency } = this.#config.report;
        return { pricePerMbit: price_per_mbit, currency };
      },
    };
  }
}
