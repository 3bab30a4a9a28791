/**
 * Asks upstream trackers on behalf of clients, and records when to ask again. Start here.
 *
 * An announce that the upstream tracker accounts for (an event, or a client whose interval is over) is always sent as the
 * client wrote it. An announce that only needs peers joins a request for the same swarm, if one is under way.
 */

import type { Answer, Outcome } from "../client/outcome.ts";
import type { OutgoingAnnounce } from "../client/outgoing-announce.ts";
import type { Address } from "../model/address.ts";
import { ANNOUNCE_EVENT } from "../model/announce.ts";
import { packLearned } from "../store/layout/peer.ts";
import type { ForeignPeers } from "../store/learned-peers.ts";
import type { AskTimes } from "../tasks/ask-times.ts";
import { type ForwardTask, readForwardTask } from "../tasks/forward-task.ts";
import type { UpstreamReply } from "../tasks/upstream-reply.ts";
import { announcementFor } from "./forwarded-announcement.ts";
import {
  isItsFault,
  NamedCounts,
  peersOf,
  replyForOthers,
  replyForSender,
  retryAfter,
  seesUs,
  timesOf,
} from "./reply-facts.ts";
import { Schedule, type ScheduleLimits } from "./schedule.ts";
import { TrackerStandings } from "./tracker-standings.ts";
import { type Job, keyOf, type Waiter } from "./upstream.ts";

/** The dependencies of a {@link Forwarder}. */
export interface ForwarderParts {
  readonly limits: ScheduleLimits;
  /** See {@link Forwarder.numWant}. */
  readonly numWant: number;
  readonly times: AskTimes;
  /** Announces to a tracker (client/tracker-client.ts). Never rejects. */
  readonly announce: (announcement: OutgoingAnnounce) => Promise<Outcome>;
  /** Stores peers. @returns whether most of them, or enough, are stored now. */
  readonly learn: (peers: ForeignPeers) => boolean;
  /** Ends the wait of a connection. */
  readonly resume: (worker: number, token: number, reply: UpstreamReply | undefined) => void;
  /** Whether an address belongs to this tracker, and so is no peer. */
  readonly isOurs: (address: Address) => boolean;
  /** The data plane's clock, in seconds, and another for durations. */
  readonly now: () => number;
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
}

/** The requests under way for a swarm at a tracker. */
interface Swarm {
  readonly jobs: Set<Job>;
  /** Connections that wait for the first answer. */
  readonly waiters: Waiter[];
}

/** The earliest next request for a client while one is under way, in seconds. */
const WHILE_ASKING = 60;

/** The maximum number of connections that join the requests of one swarm. */
const WAITERS_LIMIT = 1000;

const NOBODY: Waiter = { worker: 0, token: 0 };

/** Executes forward tasks. */
export class Forwarder {
  /** The minimum number of peers to ask upstream trackers for. */
  numWant: number;
  /** Announces that joined a request under way. */
  joined = 0;
  readonly counts = new NamedCounts();
  readonly standings = new TrackerStandings();
  readonly schedule: Schedule;
  readonly #parts: ForwarderParts;
  readonly #swarms = new Map<string, Swarm>();

  constructor(parts: ForwarderParts) {
    const { limits, numWant, nowMs, fraction } = parts;
    this.numWant = numWant;
    this.#parts = parts;
    this.schedule = new Schedule({
      limits,
      nowMs,
      fraction,
      run: (job) => this.#run(job),
      drop: (job, why) => this.#failed(job, why === "tracker"),
    });
  }

  /** Executes a task. @param token of the waiting connection of `worker`, or 0. */
  take(worker: number, token: number, bytes: Uint8Array<ArrayBuffer>): void {
    const task = readForwardTask(bytes);
    const waiter = { worker, token };
    const swarm = this.#swarms.get(keyOf(task.swarm));
    if (swarm !== undefined && !this.#isAccounted(task) && swarm.waiters.length < WAITERS_LIMIT) {
      this.joined++;
      if (token !== 0) swarm.waiters.push(waiter);
      return;
    }
    const upstream = this.schedule.upstream(`${task.scheme}://${task.authority.toLowerCase()}`);
    if (upstream === undefined) {
      this.#end(waiter);
      return;
    }
    const job: Job = { task, upstream, waiter, sent: false };
    this.#begin(job);
    this.#parts.times.set(...task.client, this.#parts.now() + WHILE_ASKING, WHILE_ASKING);
    this.schedule.add(job);
  }

  /** Whether the upstream tracker accounts for the announce. */
  #isAccounted({ event, client }: ForwardTask): boolean {
    if (event !== ANNOUNCE_EVENT.none && event !== ANNOUNCE_EVENT.paused) return true;
    const { times, now } = this.#parts;
    return !times.find(...client) || times.due <= now();
  }

  async #run(job: Job): Promise<void> {
    const announcement = announcementFor(job.task, this.numWant);
    let outcome = await this.#parts.announce(announcement);
    // Repeat once: the tracker may have closed the idle connection before it read the request.
    if (!outcome.answered && outcome.kind === "cut") outcome = await this.#parts.announce(announcement);
    const { upstream } = job;
    upstream.latencyMs = outcome.latencyMs;
    if (outcome.answered) this.#answered(job, outcome);
    else {
      const isTrackers = isItsFault(outcome);
      if (isTrackers) upstream.breaker.fail(this.#parts.nowMs());
      else upstream.breaker.release(this.#parts.nowMs());
      upstream.lastFailure = outcome.kind;
      upstream.counts.failed++;
      this.#failed(job, isTrackers);
    }
  }

  #answered(job: Job, answer: Answer): void {
    const { task, upstream } = job;
    const { times, isOurs, now } = this.#parts;
    upstream.breaker.succeed();
    upstream.counts.answered++;
    const { swarm, client, interval, expiresAt } = timesOf(answer, now());
    if (seesUs(answer, task)) upstream.seesUsAt = answer.externalAddress;
    const isOurself = (address: Address) => isOurs(address) || upstream.seesUsAt?.equals(address) === true;
    const found = peersOf(answer, isOurself, this.counts);
    const hasPeers = found.peers.length + found.peers6.length > 0;
    const { state, isPassedOn } = this.#keep(task, answer, found, expiresAt);
    if (swarm !== undefined) times.set(...task.swarm, swarm, interval, state);
    times.set(...task.client, client, interval);
    const others = replyForOthers(answer);
    if (hasPeers) this.#endOthers(job, isPassedOn ? { ...others, ...found } : others);
    this.#end(job.waiter, replyForSender(answer, task.isObserved || isPassedOn, found));
    this.#finish(job);
  }

  /**
   * Stores the peers of an answer.
   * @returns their state in ask-times.ts, and whether to pass them to the waiting clients directly, because the store did
   * not accept those of an unconfirmed tracker.
   */
  #keep(
    { authority, address, infoHash }: ForwardTask,
    answer: Answer,
    found: Pick<UpstreamReply, "peers" | "peers6">,
    expiresAt: number,
  ) {
    const { learn, now } = this.#parts;
    // A refused client does not count as a user of the tracker.
    if (answer.failureReason !== undefined) return { state: 0, isPassedOn: false };
    const standing = this.standings.use(authority, address, now());
    if (standing === undefined) return { state: 0, isPassedOn: true };
    const { source, isConfirmed } = standing;
    const state = packLearned(source, expiresAt);
    if (found.peers.length + found.peers6.length === 0) return { state, isPassedOn: false };
    const isKept = learn({ infoHash, source, unconfirmed: !isConfirmed, ...found, expiresAt });
    return isKept ? { state, isPassedOn: false } : { state: 0, isPassedOn: !isConfirmed };
  }

  /** Handles a failure. @param isTrackers whether it concerns all clients. Then none of them waits for the tracker soon. */
  #failed(job: Job, isTrackers: boolean): void {
    const { task, upstream } = job;
    const { times, now, nowMs } = this.#parts;
    const wait = retryAfter(upstream.breaker, nowMs());
    const isKnown = times.find(...task.swarm);
    // The peers of earlier answers keep their expiry.
    if (isTrackers && (!isKnown || times.due <= now()))
      times.set(...task.swarm, now() + wait, 0, isKnown ? times.state : 0);
    this.#end(job.waiter);
    this.#finish(job);
  }

  #begin(job: Job): void {
    const key = keyOf(job.task.swarm);
    const swarm = this.#swarms.get(key) ?? { jobs: new Set(), waiters: [] };
    swarm.jobs.add(job);
    this.#swarms.set(key, swarm);
  }

  /** Removes a finished request. The last one of a swarm ends all waits for it. */
  #finish(job: Job): void {
    const key = keyOf(job.task.swarm);
    const swarm = this.#swarms.get(key);
    if (swarm === undefined) return;
    swarm.jobs.delete(job);
    if (swarm.jobs.size > 0) return;
    this.#swarms.delete(key);
    for (const waiter of swarm.waiters) this.#end(waiter);
  }

  /** Ends the waits of other clients of the swarm, except observed ones, whose own request is not sent yet. */
  #endOthers(job: Job, reply: UpstreamReply): void {
    const swarm = this.#swarms.get(keyOf(job.task.swarm));
    if (swarm === undefined) return;
    for (const waiter of swarm.waiters.splice(0)) this.#end(waiter, reply);
    for (const other of swarm.jobs) {
      if (other.sent || other.task.isObserved) continue;
      this.#end(other.waiter, reply);
      other.waiter = NOBODY;
    }
  }

  #end({ worker, token }: Waiter, reply?: UpstreamReply): void {
    if (token !== 0) this.#parts.resume(worker, token, reply);
  }
}
