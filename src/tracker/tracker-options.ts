/** What a tracker is made of. */
import type { Random } from "../model/random.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import type { ReplicationWriter } from "../tasks/replication-ring.ts";
import type { TaskWriter } from "../tasks/task-queue.ts";
import type { TrackerPolicy } from "./tracker-policy.ts";

/** The time. The owner of the tracker updates it. */
export interface Clock {
  /** Seconds since 1970. Never goes back. */
  seconds: number;
}

/** The queue of tasks for the control plane, which asks other trackers. */
export type Tasks = Pick<TaskWriter, "push">;

/** A queue that takes no task. */
export const NO_TASKS: Tasks = { push: () => false };

/** The options of a `Tracker`. */
export interface TrackerOptions {
  readonly store: SwarmStore;
  readonly policy: TrackerPolicy;
  readonly random: Random;
  readonly clock: Clock;
  /** As in model/counters.ts. */
  readonly counters: Float64Array;
  /** As in store/group-activity.ts. */
  readonly activity: Float64Array;
  /** The queue of tasks for the control plane. Without it, other trackers are not asked. */
  readonly tasks?: Tasks | undefined;
  /** Where changes for the other nodes of the cluster are written, if there is a cluster. */
  readonly replication?: ReplicationWriter | undefined;
}
