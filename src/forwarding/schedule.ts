/**
 * In which order external trackers hear of what. A client's announces go out one after the other, as it made them; to
 * one tracker, from one address, and of all, so many are on their way at once, and so many wait. A tracker that fails is
 * left alone.
 */
import { AddressShares, type ShareLimits } from "./address-shares.ts";
import { isCoveredByLater, type Job, keyOf, Upstream, UpstreamCounts } from "./upstream.ts";

/** What a {@link Schedule} may take. */
export interface ScheduleLimits extends ShareLimits {
  /** Announces on their way, to all trackers and to one. */
  readonly maxRequests: number;
  readonly maxPerTracker: number;
  /** Announces that wait for their turn, likewise. */
  readonly maxQueued: number;
  readonly maxQueuedPerTracker: number;
  /** Trackers that are remembered. */
  readonly maxTrackers: number;
}

/** What it works with. */
export interface ScheduleParts {
  readonly limits: ScheduleLimits;
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
  /** Sends an announce and deals with its answer. Never rejects. */
  readonly run: (job: Job) => Promise<void>;
  /** One that will not be sent. @param why it is the client that has too many, or others of the tracker's would not be either. */
  readonly drop: (job: Job, why: "client" | "tracker") => void;
}

/** Announces of one client that wait, the one under way included. */
const MOST_OF_A_CLIENT = 4;

/** Sends what can be sent. */
export class Schedule {
  readonly #parts: ScheduleParts;
  /** By name, the least recently used first. */
  readonly #upstreams = new Map<string, Upstream>();
  /** Of each client, at each tracker and swarm, what is not over yet; the first is queued or under way. */
  readonly #clients = new Map<string, Job[]>();
  /** Those with a queue, in the order in which they have their turn. */
  readonly #waiting = new Set<Upstream>();
  /** Of trackers that are forgotten, and of announces for others for which there was no room. */
  readonly #others = new UpstreamCounts();
  readonly #shares: AddressShares;
  /** Announces that are to be queued: however many there are, nothing recurses. */
  readonly #ready: Job[] = [];
  #isQueueing = false;
  #running = 0;
  #queued = 0;
  /** Those that wait behind another of their client, or of their address. */
  #behind = 0;
  /** Announces that were dropped, as their address had too many. */
  crowded = 0;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#shares = new AddressShares(parts.limits);
  }

  /** Announces on their way, and those that wait for their turn. */
  get running(): number {
    return this.#running;
  }
  get queued(): number {
    return this.#queued + this.#behind;
  }

  /** The trackers that are remembered. */
  get upstreams(): Iterable<Upstream> {
    return this.#upstreams.values();
  }

  /** Counts of all trackers there have been. */
  get totals(): Readonly<UpstreamCounts> {
    const totals = new UpstreamCounts();
    totals.add(this.#others);
    for (const { counts } of this.upstreams) totals.add(counts);
    return totals;
  }

  /** The tracker of that name. @returns undefined when there are too many that are busy: an announce is dropped. */
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

  /** Has an announce sent, or dropped. */
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

  /** Of a client's announces that wait, the last may be one that the next makes unnecessary. */
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

  /** Sends what may be sent to a tracker. */
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
      upstream.counts.leftAlone++;
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

  /** Whoever has waited longest is next. Each has one turn: it may have as much on its way as it may, and wait on. */
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

  /** It has left its tracker's queue: another of its address has its place. */
  #leave(job: Job): void {
    this.#shares.leave(job);
    const next = this.#shares.next(job);
    this.#over(job);
    this.#unblock(next);
  }

  /** One that waited for a place has its turn. */
  #unblock(job: Job | undefined): void {
    if (job === undefined) return;
    this.#behind--;
    this.#enqueue(job);
  }

  /** A client's next announce has its turn. */
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

  /** Forgets the tracker that was used least recently, of those that nothing is on its way to. */
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
