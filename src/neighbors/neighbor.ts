/** One neighbor: its refresh queue, its rate limits, its circuit breaker, and the handling of its answers. */

import { type BreakerState, CircuitBreaker } from "../client/circuit-breaker.ts";
import type { Answer, NoReply, Outcome } from "../client/outcome.ts";
import type { OutgoingAnnounce } from "../client/outgoing-announce.ts";
import type { Family } from "../model/address.ts";
import { infoHashBytes } from "../model/info-hash.ts";
import { LearnedCounts, type LearnResult, type NamedPeers } from "../store/learned-peers.ts";
import type { RefreshTask } from "../tasks/refresh-task.ts";
import type { SharedAnswer } from "../tasks/shared-answer.ts";
import { AnnounceTemplate, type PollIdentity } from "./announce-template.ts";
import { AskedSwarms } from "./asked-swarms.ts";
import { FilterCounts, type FilterRules, PeerFilter } from "./peer-filter.ts";
import { RefreshQueue } from "./refresh-queue.ts";
import type { NeighborSettings } from "./settings.ts";

/** The capacity of the refresh queue: more than the default limit of requests in a minute. */
const QUEUE_LIMIT = 16_384;

/** The capacity of the queue of swarms that are asked about again after a failure. */
const REPEATS = 4096;

/** The delay of repeated requests after a failure, in milliseconds, while the circuit breaker is closed. */
const REPEAT_AFTER_MS = 15_000;

/** The burst after an idle time, in seconds of `maxPerSecond`. */
const BURST_SECONDS = 0.25;

/** Consecutive answers with a failure reason that count as a failure. Fewer may concern single torrents. */
const REFUSALS_LIMIT = 50;

/** The weight of the latest answer in the moving average of latencies. */
const LATENCY_WEIGHT = 0.05;

/** The maximum time before the next request about a torrent, whatever the neighbor asks for. */
const LONGEST_POSTPONED_SECONDS = 86_400;

/** No peers. */
const NOBODY = new Uint8Array(0);

/** The dependencies of a neighbor. `now` is in milliseconds since 1970. */
export interface NeighborParts {
  /** Announces to the neighbor. Never rejects. */
  readonly announce: (announcement: OutgoingAnnounce) => Promise<Outcome>;
  /** Whether clients still announce a swarm to this tracker. */
  readonly isAnnounced: (infoHash: Uint32Array) => boolean;
  /** Stores the peers of an answer. */
  readonly learn: (infoHash: Uint32Array, named: NamedPeers, counts: LearnedCounts) => LearnResult;
  /** Tells the other nodes of a cluster what the neighbor is asked, or has answered. */
  readonly share?: (answer: SharedAnswer) => void;
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
  /** Called after every request. @param answered whether there was an answer without a failure reason. */
  readonly settled: (infoHash: Uint32Array, answered: boolean) => void;
  /** Called when the circuit breaker opens, and when it closes. */
  readonly changed: (neighbor: Neighbor) => void;
}

/** The settings and the identity of a neighbor. */
export interface NeighborOptions {
  readonly settings: NeighborSettings;
  /** Its number as a source of learned peers. */
  readonly source: number;
  readonly identity: PollIdentity;
  readonly rules: FilterRules;
  /** The capacity of the table of asked swarms: a power of two. */
  readonly swarms: number;
  /** The counts to continue from. */
  readonly counts?: NeighborCounts | undefined;
}

/** Counts of requests, answers and peers. */
export class NeighborCounts {
  /** Requests, and answers to them. */
  asked = 0;
  answered = 0;
  /** Answers with a failure reason, and requests without an answer. */
  refused = 0;
  failed = 0;
  /** Peers in its answers. */
  named = 0;
  readonly filtered = new FilterCounts();
  readonly learned = new LearnedCounts();
  /** Latencies of answers in milliseconds: their sum, and their moving average. */
  latencySumMs = 0;
  latencyMs = 0;
}

/** Sends requests to one neighbor. */
export class Neighbor {
  readonly settings: NeighborSettings;
  /** Its number as a source of learned peers. */
  readonly source: number;
  readonly counts: NeighborCounts;
  /** The latest failure. */
  lastFailure: string | null = null;
  /** Requests under way. */
  inFlight = 0;
  readonly #parts: NeighborParts;
  readonly #template: AnnounceTemplate;
  readonly #breaker: CircuitBreaker;
  readonly #queue = new RefreshQueue(QUEUE_LIMIT);
  /** The swarms of failed requests, and the time from which they are repeated. */
  readonly #repeats = new RefreshQueue(REPEATS);
  #repeatFromMs = 0;
  readonly #asked: AskedSwarms;
  #identity: PollIdentity;
  #filter: PeerFilter;
  #refusals = 0;
  #retired = false;
  /** Tokens of the rate limit: requests that may be sent now. */
  #budget: number;
  #budgetAtMs: number;

  constructor(options: NeighborOptions, parts: NeighborParts) {
    const { settings, source, identity, rules, swarms, counts = new NeighborCounts() } = options;
    const word = () => Math.floor(parts.fraction() * 2 ** 32);
    this.settings = settings;
    this.source = source;
    this.counts = counts;
    this.#parts = parts;
    this.#template = new AnnounceTemplate(settings.template, word());
    this.#breaker = new CircuitBreaker(parts.fraction);
    this.#asked = new AskedSwarms(swarms, [word(), word()]);
    this.#identity = identity;
    this.#filter = new PeerFilter(rules, counts.filtered);
    this.#budget = this.#burst;
    this.#budgetAtMs = parts.now();
  }

  /** The state of the circuit breaker. `open`: backing off. */
  get state(): BreakerState {
    return this.#breaker.state;
  }

  /** The end of the backoff, in milliseconds since 1970; 0 while the breaker is closed. */
  get openUntilMs(): number {
    return this.#breaker.openUntilMs;
  }

  /** Swarms in the queues. */
  get waiting(): number {
    return this.#queue.size + this.#repeats.size;
  }

  /** Swarms that the full queues dropped. */
  get dropped(): number {
    return this.#queue.dropped + this.#repeats.dropped;
  }

  /** Adopts another identity and other rules of the filter. */
  adopt(identity: PollIdentity, rules: FilterRules): void {
    this.#identity = identity;
    this.#filter = new PeerFilter(rules, this.counts.filtered);
  }

  /**
   * Queues a request about a swarm, unless the previous one was recent and its peers are still stored.
   * @returns whether it was queued.
   */
  requestRefresh({ infoHash, peers, isNew }: RefreshTask): boolean {
    const seconds = Math.floor(this.#parts.now() / 1000);
    if (!this.#asked.admit(infoHash, seconds, seconds + this.settings.refreshSeconds, isNew)) return false;
    if (!this.#queue.add(infoHash, peers)) return false;
    if (this.state === "closed") this.#share(infoHash, NOBODY, NOBODY, false);
    return true;
  }

  /**
   * Stores what the neighbor has answered to another node of the cluster.
   * @param sharesPrivate whether private addresses mean the same machines here.
   */
  takeShared({ infoHash, complete, expiresIn, ...answer }: SharedAnswer, sharesPrivate: boolean): void {
    const seconds = Math.min(expiresIn, this.settings.expirySeconds);
    for (const family of [4, 6] as const) {
      const peers = this.#filter.filter(family === 4 ? answer.peers : answer.peers6, family, sharesPrivate);
      this.#learn(infoHash, family, peers, complete, seconds);
    }
  }

  #share(infoHash: Uint32Array, peers: Uint8Array, peers6: Uint8Array, complete: boolean): void {
    const { name: neighbor, expirySeconds: expiresIn } = this.settings;
    this.#parts.share?.({ neighbor, infoHash, complete, expiresIn, peers, peers6 });
  }

  /** Ends all requests to the neighbor. */
  retire(): void {
    this.#retired = true;
  }

  /** Sends the requests that the limits allow now. */
  pump(): void {
    if (this.#retired) return;
    const nowMs = this.#parts.now();
    this.#refill(nowMs);
    while (this.inFlight < this.settings.maxConcurrent && this.#budget >= 1) {
      const isRepeat = this.#queue.size === 0;
      if (isRepeat && this.state === "closed" && nowMs < this.#repeatFromMs) return;
      const infoHash = this.#nextOf(isRepeat ? this.#repeats : this.#queue, nowMs);
      if (infoHash !== undefined) {
        this.#budget--;
        void this.#ask(infoHash, isRepeat);
      } else if (isRepeat || this.#queue.size > 0) return;
    }
  }

  /** The next swarm to ask about, if the breaker admits a request. Swarms that clients no longer announce are skipped. */
  #nextOf(queue: RefreshQueue, nowMs: number): Uint32Array | undefined {
    while (queue.size > 0 && this.#breaker.admit(nowMs)) {
      const infoHash = queue.take()!;
      if (this.#parts.isAnnounced(infoHash)) return infoHash;
      this.#breaker.release(nowMs);
    }
    return undefined;
  }

  get #burst(): number {
    return Math.max(1, this.settings.maxPerSecond * BURST_SECONDS);
  }

  #refill(nowMs: number): void {
    const passed = Math.max(0, nowMs - this.#budgetAtMs) / 1000;
    this.#budget = Math.min(this.#burst, this.#budget + passed * this.settings.maxPerSecond);
    this.#budgetAtMs = nowMs;
  }

  async #ask(infoHash: Uint32Array, isRepeat: boolean): Promise<void> {
    this.inFlight++;
    this.counts.asked++;
    const outcome = await this.#parts.announce(this.#template.fill(infoHashBytes(infoHash), this.#identity));
    this.inFlight--;
    if (outcome.answered) this.#takeAnswer(infoHash, outcome);
    else this.#takeFailure(infoHash, outcome, isRepeat);
    this.#parts.settled(infoHash, outcome.answered && outcome.failureReason === undefined);
    this.pump();
  }

  #takeAnswer(infoHash: Uint32Array, answer: Answer): void {
    const { counts } = this;
    counts.answered++;
    counts.latencySumMs += answer.latencyMs;
    const weight = counts.answered === 1 ? 1 : LATENCY_WEIGHT;
    counts.latencyMs += (answer.latencyMs - counts.latencyMs) * weight;
    if (answer.failureReason !== undefined) {
      this.#takeRefusal(infoHash, answer.failureReason, answer.retryIn);
      return;
    }
    this.#refusals = 0;
    if (this.#breaker.succeed()) this.#parts.changed(this);
    counts.named += answer.peers.length / 6 + answer.peers6.length / 18;
    const ownBefore = counts.filtered.own;
    const [peers, peers6] = [this.#filter.filter(answer.peers, 4), this.#filter.filter(answer.peers6, 6)];
    // A tracker that mistakes a poll for a peer counts it as incomplete.
    const own = counts.filtered.own - ownBefore;
    const complete = (answer.complete ?? 0) > 0 && (answer.incomplete ?? own + 1) <= own;
    this.#share(infoHash, peers, peers6, complete);
    this.#learn(infoHash, 4, peers, complete);
    this.#learn(infoHash, 6, peers6, complete);
  }

  /** @param seconds until the peers expire. */
  #learn(
    infoHash: Uint32Array,
    family: Family,
    peers: Uint8Array,
    complete: boolean,
    seconds: number = this.settings.expirySeconds,
  ): void {
    if (peers.length === 0) return;
    const { source } = this;
    const expiresAt = Math.floor(this.#parts.now() / 1000) + seconds;
    const named = { family, peers, complete, source, expiresAt };
    const result = this.#parts.learn(infoHash, named, this.counts.learned);
    // The peers are lost, and the next refresh is far.
    if (result === "locked") this.#repeat(infoHash, this.#parts.now());
  }

  /** A failure reason concerns one torrent. Many in a row open the circuit breaker. */
  #takeRefusal(infoHash: Uint32Array, reason: string, retryIn: number | undefined): void {
    const nowMs = this.#parts.now();
    const seconds = Math.floor(nowMs / 1000);
    this.counts.refused++;
    this.lastFailure = `failure reason: ${reason}`;
    if (retryIn !== undefined) {
      const wait = Math.min(Math.max(retryIn, this.settings.refreshSeconds), LONGEST_POSTPONED_SECONDS);
      this.#asked.postpone(infoHash, seconds + wait);
    }
    this.#refusals++;
    if (this.#refusals < REFUSALS_LIMIT && this.#breaker.state === "closed") return;
    this.#refusals = 0;
    if (this.#breaker.fail(nowMs, 0)) this.#parts.changed(this);
  }

  #takeFailure(infoHash: Uint32Array, { kind, status }: NoReply, isRepeat: boolean): void {
    const nowMs = this.#parts.now();
    if (kind === "busy" || kind === "closed") this.#breaker.release(nowMs);
    else {
      this.counts.failed++;
      this.lastFailure = kind === "status" ? `status ${status}` : kind;
      if (this.#breaker.fail(nowMs)) this.#parts.changed(this);
    }
    // A repeated request fails alone: the neighbor answers others. The torrent waits for the next refresh.
    if (isRepeat && this.#breaker.failures === 1) return;
    this.#repeat(infoHash, nowMs);
  }

  /** Asks again about a swarm, in some seconds. */
  #repeat(infoHash: Uint32Array, nowMs: number): void {
    this.#repeats.add(infoHash, 0);
    this.#repeatFromMs = nowMs + REPEAT_AFTER_MS;
  }
}
