/** One external tracker, and the announces that it is to hear of: whether it may be asked, what is on its way to it, and how it has been doing. */
import { type BreakerState, CircuitBreaker } from "../client/circuit-breaker.ts";
import type { FailureKind } from "../client/outcome.ts";
import type { Address } from "../model/address.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import type { ForwardTask } from "../tasks/forward-task.ts";

/** Counts since it was first asked. */
export class UpstreamCounts {
  asked = 0;
  answered = 0;
  failed = 0;
  /** Not asked, as it was being left alone after failures. */
  leftAlone = 0;
  /** Not asked, as too much was waiting for it. */
  dropped = 0;

  /** Adds another's. */
  add({ asked, answered, failed, leftAlone, dropped }: UpstreamCounts): void {
    this.asked += asked;
    this.answered += answered;
    this.failed += failed;
    this.leftAlone += leftAlone;
    this.dropped += dropped;
  }
}

/** An external tracker, by its scheme, host and port. */
export class Upstream {
  readonly name: string;
  readonly breaker: CircuitBreaker;
  readonly counts = new UpstreamCounts();
  /** What waits for its turn. */
  readonly queue: Job[] = [];
  /** Announces on their way. */
  running = 0;
  /** Why it last failed. */
  lastFailure: FailureKind | null = null;
  /**
   * From where it says that we ask (BEP 24), behind NAT none of this machine's addresses. A tracker that ignores `ip=`
   * takes that for a peer. What it says is believed about its own answers alone.
   */
  seesUsAt: Address | undefined;
  /** Milliseconds that its last answer took. */
  latencyMs = 0;

  /** @param fraction uniform in [0, 1). */
  constructor(name: string, fraction: () => number) {
    this.name = name;
    this.breaker = new CircuitBreaker(fraction);
  }

  /** Whether it can be forgotten. */
  get isIdle(): boolean {
    return this.running === 0 && this.queue.length === 0;
  }

  get state(): BreakerState {
    return this.breaker.state;
  }
}

/** A connection of a worker that waits, by its token; 0 when none does. */
export interface Waiter {
  readonly worker: number;
  readonly token: number;
}

/** From the task to the answer. */
export interface Job {
  readonly task: ForwardTask;
  readonly upstream: Upstream;
  /** Whose wait ends with it. */
  waiter: Waiter;
  /** Whether it has been sent. */
  sent: boolean;
}

/** Whether a later announce of the same client says all that this one does. */
export function isCoveredByLater({ task: { event } }: Job): boolean {
  return event === ANNOUNCE_EVENT.none || event === ANNOUNCE_EVENT.paused;
}

/** A key of tasks/ask-times.ts, for a map. */
export function keyOf([place, tag]: readonly [number, number]): string {
  return `${place}:${tag}`;
}
