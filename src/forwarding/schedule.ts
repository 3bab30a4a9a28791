/**
 * Schedules announces to upstream trackers. The announces of a client are sent in order, one after the other. The running
 * and the queued ones are limited per tracker, per client address and in all. A failing tracker backs off.
 */
import { AddressShares, type ShareLimits } from "./address-shares.ts";
import { isCoveredByLater, type Job, keyOf, Upstream, UpstreamCounts } from "./upstream.ts";

/** The limits of a {@link Schedule}. */
export interface ScheduleLimits extends ShareLimits {
  /** Running announces, to all trackers and to one. */
  readonly maxRequests: number;
  readonly maxPerTracker: number;
  /** Queued announces, for all trackers and for one. */
  readonly maxQueued: number;
  readonly maxQueuedPerTracker: number;
  /** Known trackers. */
  readonly maxTrackers: number;
}

/** The dependencies of a {@link Schedule}. */
export interface ScheduleParts {
  readonly limits: ScheduleLimits;
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
  /** Sends an announce and handles its answer. Never rejects. */
  readonly run: (job: Job) => Promise<void>;
  /** Called for a dropped announce. @param why whether the limit of the client or of the tracker was reached. */
  readonly drop: (job: Job, why: "client" | "tracker") => void;
}

/** The maximum number of unfinished announces of one client. */
const MOST_OF_A_CLIENT = 4;

/** The queues of all upstream trackers. */
export class Schedule {
  readonly #parts: ScheduleParts;
  /** By name, the least recently used first. */
  readonly #upstreams = new Map<string, Upstream>();
  /** The unfinished announces by client, tracker and swarm. The first of each is queued or running. */
  readonly #clients = new Map<string, Job[]>();
  /** Trackers with queued announces, in the order of their turns. */
  readonly #waiting = new Set<Upstream>();
  /** Counts of evicted trackers, and of announces to trackers that found no room. */
  readonly #others = new UpstreamCounts();
  readonly #shares: AddressShares;
  /** Announces to queue. The list replaces recursion. */
  readonly #ready: Job[] = [];
  #isQueueing = false;
  #running = 0;
  #queued = 0;
  /** Announces that wait behind another one of their client or address. */
  #behind = 0;
  /** Announces that were dropped because their address had too many. */
  crowded = 0;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#shares = new AddressShares(parts.limits);
  }

  /** The numbers of running and of queued announces. */
  get running(): number {
    return this.#running;
  }
  get queued(): number {
    return this.#queued + this.#behind;
  }

  /** The known trackers. */
  get upstreams(): Iterable<Upstream> {
    return this.#upstreams.values();
  }

  /** The summed counts of all trackers since the start. */
  get totals(): Readonly<UpstreamCounts> {
    const totals = new UpstreamCounts();
    totals.add(this.#others);
    for (const { counts } of this.upstreams) totals.add(counts);
    return totals;
  }

  /** The tracker of a name. @returns undefined when too many others are busy. Then the announce is dropped. */
  upstream(name: string): Upstream | undefined {
    const known = this.#upstreams.get(name);
    if (known === undefined && !this.#makeRoom()) {
      this.#others.dropped++;
      return undefined;
    }
    const upstream = known ?? new Upstream(name, this.#parts.fraction);
    this.#upstreams.delete(name);
    this.#upstreams.set(name, upstream);
    return upstream;
  }

  /** Sends, queues or drops an announce. */
  add(job: Job): void {
    const key = keyOf(job.task.client);
    const others = this.#clients.get(key);
    if (others !== undefined) this.#forgetCovered(others);
    if (others !== undefined && others.length >= MOST_OF_A_CLIENT) this.#drop(job, "client");
    else if (others !== undefined && this.queued >= this.#parts.limits.maxQueued) this.#drop(job, "tracker");
    else if (!this.#shares.hold(job)) {
      this.crowded++;
      this.#drop(job, "client");
    } else if (others !== undefined) {
      others.push(job);
      this.#behind++;
    } else {
      this.#clients.set(key, [job]);
      this.#enqueue(job);
    }
  }

  /** Drops the last waiting announce of a client when the next one makes it redundant. */
  #forgetCovered(jobs: Job[]): void {
    const last = jobs[jobs.length - 1];
    if (jobs.length === 1 || !isCoveredByLater(last)) return;
    jobs.pop();
    this.#behind--;
    this.#shares.release(last);
    this.#parts.drop(last, "client");
  }

  #enqueue(job: Job): void {
    this.#ready.push(job);
    if (this.#isQueueing) return;
    this.#isQueueing = true;
    for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) this.#queue(next);
    this.#isQueueing = false;
  }

  #queue(job: Job): void {
    const { upstream } = job;
    const { maxQueued, maxQueuedPerTracker } = this.#parts.limits;
    if (upstream.queue.length >= maxQueuedPerTracker || this.queued >= maxQueued) {
      const next = this.#shares.next(job);
      this.#drop(job, "tracker");
      this.#over(job);
      this.#unblock(next);
    } else if (this.#shares.place(job)) {
      upstream.queue.push(job);
      this.#queued++;
      this.#waiting.add(upstream);
      this.#send(upstream);
    } else this.#behind++;
  }

  /** Sends the queued announces of a tracker within the limits. */
  #send(upstream: Upstream): void {
    const { limits, nowMs, drop } = this.#parts;
    while (upstream.running < limits.maxPerTracker && this.#running < limits.maxRequests) {
      const job = upstream.queue.shift();
      if (job === undefined) {
        this.#waiting.delete(upstream);
        return;
      }
      this.#queued--;
      if (upstream.breaker.admit(nowMs())) {
        void this.#run(job);
        continue;
      }
      upstream.counts.backingOff++;
      drop(job, "tracker");
      this.#leave(job);
    }
  }

  async #run(job: Job): Promise<void> {
    const { upstream } = job;
    job.sent = true;
    upstream.running++;
    upstream.counts.asked++;
    this.#running++;
    await this.#parts.run(job);
    upstream.running--;
    this.#running--;
    this.#giveTurns();
    this.#leave(job);
  }

  /** Gives every waiting tracker one turn, the longest waiting first. Each sends as many announces as its limit allows. */
  #giveTurns(): void {
    let turns = this.#waiting.size;
    for (const upstream of this.#waiting) {
      if (turns === 0 || this.#running >= this.#parts.limits.maxRequests) return;
      turns--;
      this.#waiting.delete(upstream);
      if (upstream.queue.length > 0) this.#waiting.add(upstream);
      this.#send(upstream);
    }
  }

  #drop(job: Job, why: "client" | "tracker"): void {
    job.upstream.counts.dropped++;
    this.#parts.drop(job, why);
  }

  /** Frees the place of an announce for the next one of its address. */
  #leave(job: Job): void {
    this.#shares.leave(job);
    const next = this.#shares.next(job);
    this.#over(job);
    this.#unblock(next);
  }

  /** Queues an announce that waited for a place. */
  #unblock(job: Job | undefined): void {
    if (job === undefined) return;
    this.#behind--;
    this.#enqueue(job);
  }

  /** Removes a finished announce, and queues the next one of its client. */
  #over(job: Job): void {
    const key = keyOf(job.task.client);
    const others = this.#clients.get(key);
    this.#shares.release(job);
    others?.shift();
    if (others === undefined || others.length === 0) this.#clients.delete(key);
    else {
      this.#behind--;
      this.#enqueue(others[0]);
    }
  }

  /** Evicts the least recently used idle tracker. @returns whether there is room. */
  #makeRoom(): boolean {
    if (this.#upstreams.size < this.#parts.limits.maxTrackers) return true;
    for (const [name, upstream] of this.#upstreams) {
      if (!upstream.isIdle) continue;
      this.#others.add(upstream.counts);
      return this.#upstreams.delete(name);
    }
    return false;
  }
}
