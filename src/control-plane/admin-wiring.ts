/** The admin listener, wired to the configuration and to what it shows. */
import { AdminListener } from "../admin/listener.ts";
import { readPage } from "../admin/page.ts";
import type { Panel } from "../admin/panel.ts";
import type { ShownPolicy, Sources } from "../admin/sources.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { PolicyData } from "../data-plane/protocol.ts";
import type { WorkerPool } from "../data-plane/worker-pool.ts";
import { BUILD_TEXT, VERSION } from "../platform/version.ts";
import { memoryBound, type SwarmStoreData } from "../store/store-memory.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Persistence } from "./persistence.ts";

const PAGE = new URL("../../web/dist/", import.meta.url);

/** What the listener is made of. */
export interface AdminParts {
  readonly loaded: LoadedConfig;
  readonly engine: string;
  readonly workers: number;
  readonly store: SwarmStoreData;
  readonly plane: WorkerPool;
  readonly state: Persistence;
  readonly hashList: Sources["hashList"];
  /** What features show. */
  readonly panels: readonly Panel[];
  readonly log: Logger;
}

/** What changes while the tracker runs, as the composition root knows it. */
export class AdminState {
  /** The policy in force, and the groups as they were configured. */
  policy: PolicyData;
  definitions: ShownPolicy["definitions"];
  /** Announce URLs; empty until clients are answered. */
  addresses: readonly string[] = [];
  /** What a person should look at. */
  notices: readonly string[] = [];

  constructor(policy: PolicyData, definitions: ShownPolicy["definitions"]) {
    this.policy = policy;
    this.definitions = definitions;
  }
}

/** Makes the listener. @throws Error when certificate and key are none. */
export function makeAdminListener(parts: AdminParts, state: AdminState): AdminListener {
  const { loaded, plane, store, log } = parts;
  const sources: Sources = {
    version: VERSION,
    build: BUILD_TEXT,
    engine: parts.engine,
    workers: parts.workers,
    addresses: () => state.addresses,
    store,
    memoryBound: memoryBound(store.maxPeers, store.shards),
    counters: plane.counters,
    activity: plane.activity,
    census: plane.census,
    policy: () => ({ ...state.policy, definitions: state.definitions }),
    ready: () => state.addresses.length > 0,
    deaths: () => plane.deaths,
    hashList: parts.hashList,
    notices: () => state.notices,
    history: (span, from) => parts.state.history(span, from),
  };
  return new AdminListener(sources, [parts.state.panel, ...parts.panels], {
    listen: loaded.config.admin.listen,
    secrets: loaded.adminFiles,
    page: readPage(PAGE),
    failed: (err) => log.error({ err }, "the admin listener failed to answer"),
  });
}
