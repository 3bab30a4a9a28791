/** An upstream tracker: its circuit breaker, its queue and its counts; and the announces to it. */
import { type BreakerState, CircuitBreaker } from "../client/circuit-breaker.ts";
import type { FailureKind } from "../client/outcome.ts";
import type { Address } from "../model/address.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import type { ForwardTask } from "../tasks/forward-task.ts";

/** The counts of one tracker since its first announce. */
export class UpstreamCounts {
  asked = 0;
  answered = 0;
  failed = 0;
  /** Announces that were not sent while the tracker was backing off. */
  backingOff = 0;
  /** Announces that were not sent because too many were queued. */
  dropped = 0;

  /** Adds the counts of another tracker. */
  add({ asked, answered, failed, backingOff, dropped }: UpstreamCounts): void {
    this.asked += asked;
    this.answered += answered;
    this.failed += failed;
    this.backingOff += backingOff;
    this.dropped += dropped;
  }
}

/** An upstream tracker, identified by scheme, host and port. */
export class Upstream {
  readonly name: string;
  readonly breaker: CircuitBreaker;
  readonly counts = new UpstreamCounts();
  /** Announces that wait for their turn. */
  readonly queue: Job[] = [];
  /** Running announces. */
  running = 0;
  /** The kind of the last failure. */
  lastFailure: FailureKind | null = null;
  /**
   * The address of this tracker as the upstream tracker sees it (BEP 24); behind NAT not an address of this machine. An
   * upstream tracker that ignores `ip=` mistakes it for a peer. The address only affects answers of the same tracker.
   */
  seesUsAt: Address | undefined;
  /** The latency of the last answer in milliseconds. */
  latencyMs = 0;

  /** @param fraction uniform in [0, 1). */
  constructor(name: string, fraction: () => number) {
    this.name = name;
    this.breaker = new CircuitBreaker(fraction);
  }

  /** Whether the tracker can be evicted. */
  get isIdle(): boolean {
    return this.running === 0 && this.queue.length === 0;
  }

  get state(): BreakerState {
    return this.breaker.state;
  }
}

/** A waiting connection of a worker. Token 0 stands for none. */
export interface Waiter {
  readonly worker: number;
  readonly token: number;
}

/** An announce, from its task to its answer. */
export interface Job {
  readonly task: ForwardTask;
  readonly upstream: Upstream;
  /** The connection whose wait ends with the job. */
  waiter: Waiter;
  /** Whether the announce has been sent. */
  sent: boolean;
}

/** Whether a later announce of the same client makes this one redundant. */
export function isCoveredByLater({ task: { event } }: Job): boolean {
  return event === ANNOUNCE_EVENT.none || event === ANNOUNCE_EVENT.paused;
}

/** A key of tasks/ask-times.ts as a key of a map. */
export function keyOf([place, tag]: readonly [number, number]): string {
  return `${place}:${tag}`;
}
