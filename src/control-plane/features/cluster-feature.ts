/** The cluster, wired to configuration, store and workers. */
import type { Panel } from "../../admin/panel.ts";
import { clusterPanel } from "../../admin/panels/cluster-panel.ts";
import type { Status } from "../../admin/status.ts";
import type { ApplierRules } from "../../cluster/applier.ts";
import { ClusterThread } from "../../cluster/cluster-thread.ts";
import type { ClusterSettings } from "../../cluster/settings.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { PolicyData } from "../../data-plane/protocol.ts";
import { VERSION } from "../../platform/version.ts";
import type { SwarmStoreData } from "../../store/store-memory.ts";
import type { SwarmStore } from "../../store/swarm-store.ts";
import type { ReplicationRingData } from "../../tasks/replication-ring.ts";
import type { SharedAnswer } from "../../tasks/shared-answer.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { ClusterReports } from "../cluster-reports.ts";
import type { Feature } from "../feature.ts";

/** What the feature needs. */
export interface ClusterFeatureParts {
  readonly store: SwarmStoreData;
  readonly view: SwarmStore;
  /** The rings of the workers. */
  readonly rings: readonly ReplicationRingData[];
  readonly clockBaseMs: number;
  readonly log: Logger;
  /** The status of this tracker, of which the other nodes hear. */
  readonly readStatus: () => Status;
}

/** Runs the cluster thread, if a cluster is configured. It starts after the swarms are loaded. */
export class ClusterFeature implements Feature {
  readonly panel: Panel;
  /** Takes what a neighbor has answered to another node. */
  onShared: (answer: SharedAnswer, sharesPrivate: boolean) => void = () => {};
  readonly #reports: ClusterReports | undefined;
  readonly #thread: ClusterThread | undefined;

  constructor(
    parts: ClusterFeatureParts,
    settings: ClusterSettings | undefined,
    loaded: LoadedConfig,
    policy: PolicyData,
  ) {
    this.panel = clusterPanel(() => this.#reports);
    if (settings === undefined) return;
    const { store, view, rings, clockBaseMs, log, readStatus } = parts;
    const reports = new ClusterReports({
      settings,
      log,
      publish: (bytes) => this.#thread?.publishStatus(bytes),
      readStatus,
    });
    this.#reports = reports;
    this.#thread = new ClusterThread(
      { settings, version: VERSION, store, view, rules: rulesOf(loaded, policy), rings, clockBaseMs },
      {
        nodeStatus: (node, bytes) => reports.receive(node, bytes),
        shared: (answer, sharesPrivate) => this.onShared(answer, sharesPrivate),
        reported: (status) => reports.report(status, performance.now()),
        crashed: (err, { shards, swarms, peers, faults }) =>
          log.critical(
            { err, shards, swarms, peers, faults },
            "the cluster thread crashed; announces are not affected, and it will be replaced",
          ),
      },
    );
  }

  /** Starts the thread, and tells the other nodes of this one. */
  start(): void {
    this.#thread?.start();
    this.#reports?.start();
  }

  /** Takes over groups and times. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void {
    this.#thread?.adopt(rulesOf(loaded, policy));
  }

  /** Tells the other nodes what a neighbor is asked, or has answered. */
  share(answer: SharedAnswer): void {
    this.#thread?.share(answer);
  }

  /** Has everything fetched again from the other nodes: a worker has crashed, and swarms were dropped. */
  refetch(): void {
    this.#thread?.refetch();
  }

  /** Stops the thread. */
  async stop(): Promise<void> {
    this.#reports?.stop();
    await this.#thread?.stop();
  }
}

function rulesOf({ config }: LoadedConfig, { groups, peerExpiry }: PolicyData): ApplierRules {
  return {
    groups,
    peerExpiry,
    stallSeconds: config.selection.stall_seconds,
    minDwell: config.hashlist.min_dwell,
    interval: config.tracker.interval,
  };
}
