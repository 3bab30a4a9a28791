/** The cluster, wired to configuration, store and workers. */

import type { ApplierRules } from "../../cluster/applier.ts";
import { ClusterThread } from "../../cluster/cluster-thread.ts";
import type { ClusterSettings } from "../../cluster/settings.ts";
import type { ClusterStatus } from "../../cluster/status.ts";
import type { LoadedConfig } from "../../config/load.ts";
import type { PolicyData } from "../../data-plane/protocol.ts";
import { VERSION } from "../../platform/version.ts";
import type { SwarmStoreData } from "../../store/store-memory.ts";
import type { SwarmStore } from "../../store/swarm-store.ts";
import type { ReplicationRingData } from "../../tasks/replication-ring.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Component } from "../lifecycle.ts";

/** What the feature needs. */
export interface ClusterFeatureParts {
  readonly store: SwarmStoreData;
  readonly view: SwarmStore;
  /** The rings of the workers. */
  readonly rings: readonly ReplicationRingData[];
  readonly clockBaseMs: number;
  readonly log: Logger;
  /** Receives what other nodes publish for the status page: hostile bytes. */
  readonly nodeStatus: (node: string, bytes: Uint8Array) => void;
  /** Called with every report of the thread, once a second. */
  readonly reported: (status: ClusterStatus) => void;
}

/** Runs the cluster thread, if a cluster is configured. It starts after the swarms are loaded. */
export class ClusterFeature implements Component {
  /** The thread; undefined without a cluster. */
  readonly thread: ClusterThread | undefined;

  constructor(
    parts: ClusterFeatureParts,
    settings: ClusterSettings | undefined,
    loaded: LoadedConfig,
    policy: PolicyData,
  ) {
    if (settings === undefined) return;
    const { store, view, rings, clockBaseMs, log, nodeStatus, reported } = parts;
    this.thread = new ClusterThread(
      { settings, version: VERSION, store, view, rules: rulesOf(loaded, policy), rings, clockBaseMs },
      {
        nodeStatus,
        reported,
        crashed: (err, { shards, swarms, peers, faults }) =>
          log.critical(
            { err, shards, swarms, peers, faults },
            "the cluster thread crashed; announces are not affected, and it will be replaced",
          ),
      },
    );
  }

  /** Starts the thread. */
  start(): void {
    this.thread?.start();
  }

  /** Takes over groups and times. */
  adopt(loaded: LoadedConfig, policy: PolicyData): void {
    this.thread?.adopt(rulesOf(loaded, policy));
  }

  /** Stops the thread. */
  async stop(): Promise<void> {
    await this.thread?.stop();
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
