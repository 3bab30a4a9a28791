/** What the control plane and the workers exchange: the policy, a worker's options, commands and events. */
import type { EngineKind } from "../engine/choice.ts";
import type { EngineLimits, ListenAddresses } from "../engine/engine.ts";
import type { ResourceData } from "../engine/uring/resources.ts";
import type { PeerGroupsData } from "../network/peer-groups.ts";
import type { PrefixTableData } from "../network/prefix-table.ts";
import type { PaceTrialData } from "../selection/pace-trial.ts";
import type { SelectionChoice } from "../selection/policies.ts";
import type { SwarmStoreData } from "../store/store-memory.ts";
import type { AskTimesData } from "../tasks/ask-times.ts";
import type { ReplicationRingData } from "../tasks/replication-ring.ts";
import type { TaskQueueData } from "../tasks/task-queue.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";
import type { AccessListData } from "../tracker/access-list.ts";
import type { PollsData } from "../tracker/polls.ts";
import type { CopySettings, TrackerSettings } from "../tracker/tracker-policy.ts";
import type { HostRulesData } from "../wire/host-rules.ts";

/**
 * All that a reload can change: plain data and shared memory. The control plane builds it, every worker gets it
 * whole.
 */
export interface PolicyData {
  readonly settings: TrackerSettings;
  readonly selection: SelectionChoice;
  readonly copies: CopySettings;
  /** Seconds without an announce after which a peer expires. */
  readonly peerExpiry: number;
  readonly groups: PeerGroupsData;
  readonly accessList: AccessListData;
  readonly polls: PollsData;
  readonly refreshSeconds: number;
  readonly refreshWaitMs: number;
  readonly trustedProxies: PrefixTableData;
  readonly ipParameter: PrefixTableData;
  /** Undefined when no address may forward announces. */
  readonly forwarding: ForwardingData | undefined;
  /** By group id: 1 where the gate is on. Undefined: nowhere. */
  readonly gatedGroups: Uint8Array<SharedArrayBuffer> | undefined;
}

/** The data that a worker makes its `ForwardingPolicy` (services/forwarded-service.ts) of. */
export interface ForwardingData {
  readonly forwarders: PrefixTableData;
  readonly hosts: HostRulesData;
  readonly timeoutMs: number;
}

/** What a worker is started with, as its `workerData`. */
export interface WorkerOptions {
  readonly store: SwarmStoreData;
  readonly policy: PolicyData;
  readonly engine: EngineKind;
  /** Where the engine records its kernel resources, so that they can be reclaimed if the worker crashes. */
  readonly resources: ResourceData;
  readonly listen: ListenAddresses;
  readonly limits: EngineLimits;
  readonly counters: Float64Array<SharedArrayBuffer>;
  /** The queue of this worker's tasks for the control plane. */
  readonly tasks: TaskQueueData;
  /** Where this worker writes changes for the other nodes of the cluster, if there is a cluster. */
  readonly replication?: ReplicationRingData | undefined;
  /**
   * When upstream trackers are due to be asked again (tasks/ask-times.ts), and the secret of the keys in that table.
   */
  readonly askTimes: AskTimesData;
  readonly askSecret: readonly number[];
  /** This worker's counts for each peer group (store/group-activity.ts). */
  readonly activity: Float64Array<SharedArrayBuffer>;
  /** The census of this worker's part of the swarms (tracker/census.ts). */
  readonly census: Uint32Array<SharedArrayBuffer>;
  /** What this worker counts to measure the cost of the policy, and the demand that follows (selection/pace-trial.ts). */
  readonly paceTrial: PaceTrialData;
  /** Four random words that seed the worker's random numbers. */
  readonly seed: readonly number[];
  /** Random words that UDP connection ids are made with, the same for all workers. */
  readonly connectionSecret: readonly number[];
  /**
   * The wall clock when the monotonic clock was 0, in milliseconds (platform/clock.ts): all workers have the same
   * time.
   */
  readonly clockBaseMs: number;
  /** This worker's number, from 0, and the number of workers. */
  readonly worker: number;
  readonly workers: number;
}

/** A message from the control plane to a worker. */
export type WorkerCommand =
  | { readonly type: "policy"; readonly policy: PolicyData }
  | { readonly type: "reclassify" }
  /**
   * Ends the waits of deferred requests (engine/engine.ts), with the upstream tracker's reply to them if there is
   * one.
   */
  | {
      readonly type: "resume";
      readonly tokens: readonly number[];
      readonly reply?: UpstreamReply | undefined;
    }
  | { readonly type: "stop"; readonly graceMs: number };

/** A message from a worker to the control plane. */
export type WorkerEvent =
  | { readonly type: "listening"; readonly addresses: ListenAddresses; readonly wakeDescriptor: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string }
  | { readonly type: "adopted" }
  | { readonly type: "reclassified" }
  | {
      readonly type: "refused";
      readonly address: string;
      readonly reason: string;
      readonly requests: number;
    };
