/** What the control plane and the cluster thread exchange. */
import type { SwarmStoreData } from "../store/store-memory.ts";
import type { ReplicationRingData } from "../tasks/replication-ring.ts";
import type { SharedAnswer } from "../tasks/shared-answer.ts";
import type { ApplierRules } from "./applier.ts";
import type { ClusterSettings } from "./settings.ts";
import type { ClusterStatus } from "./status.ts";

/** What the thread is started with, as its `workerData`. */
export interface ClusterThreadOptions {
  readonly settings: ClusterSettings;
  readonly boot: number;
  readonly version: string;
  readonly store: SwarmStoreData;
  readonly rules: ApplierRules;
  readonly rings: readonly ReplicationRingData[];
  /** As the workers have it (platform/clock.ts). */
  readonly clockBaseMs: number;
}

/** A message to the thread. */
export type ClusterCommand =
  | { readonly kind: "adopt"; readonly rules: ApplierRules }
  /** Publishes what other nodes' pages show of this node. */
  | { readonly kind: "publish-status"; readonly bytes: Uint8Array }
  /** Tells the other nodes what a neighbor is asked, or has answered. */
  | { readonly kind: "share"; readonly answer: SharedAnswer }
  /** Fetches everything again: shards were emptied after a crash. */
  | { readonly kind: "refetch" }
  | { readonly kind: "stop" };

/** A message of the thread. */
export type ClusterEvent =
  | { readonly kind: "cluster-status"; readonly status: ClusterStatus }
  /** What a neighbor has answered to another node. */
  | { readonly kind: "shared"; readonly answer: SharedAnswer; readonly sharesPrivate: boolean }
  /** What another node has published. The bytes are hostile. */
  | { readonly kind: "node-status"; readonly node: string; readonly bytes: Uint8Array };
