/** One neighbor: what it is to be asked, when it may be, and what comes of it. */

import { type BreakerState, CircuitBreaker } from "../client/circuit-breaker.ts";
import type { Answer, NoReply, Outcome } from "../client/outcome.ts";
import type { OutgoingAnnounce } from "../client/outgoing-announce.ts";
import type { Family } from "../model/address.ts";
import { writeWord } from "../model/address.ts";
import { LearnedCounts, type NamedPeers } from "../store/learned-peers.ts";
import type { RefreshTask } from "../tasks/refresh-task.ts";
import { AnnounceTemplate, type PollIdentity } from "./announce-template.ts";
import { AskedSwarms } from "./asked-swarms.ts";
import { FilterCounts, type FilterRules, PeerFilter } from "./peer-filter.ts";
import { RefreshQueue } from "./refresh-queue.ts";
import type { NeighborSettings } from "./settings.ts";

/** Swarms that a neighbor is to be asked about: more than it is asked in a minute by default. */
const WISHES = 16_384;

/** Swarms that it is to be asked about once more, as it has not answered. */
const REPEATS = 4096;

/** Milliseconds after a failure in which nothing is asked once more, while it is not left alone anyway. */
const REPEAT_AFTER_MS = 15_000;

/** What may be begun at once after a rest, in seconds of `maxPerSecond`. */
const BURST_SECONDS = 0.25;

/** Answers in a row with a failure reason after which it is taken to have failed: of some torrents it may not know. */
const REFUSALS_LIMIT = 50;

/** The part that the latest answer has in the mean of latencies. */
const LATENCY_WEIGHT = 0.05;

/** The longest that is waited before it is asked about a torrent again, whatever it says. */
const LONGEST_POSTPONED_SECONDS = 86_400;

/** What a neighbor does its work with. Times of `now` in milliseconds since 1970. */
export interface NeighborParts {
  /** Announces to it. Never rejects. */
  readonly announce: (announcement: OutgoingAnnounce) => Promise<Outcome>;
  /** Whether clients still announce a swarm. */
  readonly isAnnounced: (infoHash: Uint32Array) => boolean;
  /** Stores what it names. @returns false when the swarm is gone. */
  readonly learn: (infoHash: Uint32Array, named: NamedPeers, counts: LearnedCounts) => boolean;
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly fraction: () => number;
  /** Called when it has been asked about a swarm, whatever came of it. @param answered whether it has named peers, or none. */
  readonly settled: (infoHash: Uint32Array, answered: boolean) => void;
  /** Called when it is left alone from now on, and when it answers again. */
  readonly changed: (neighbor: Neighbor) => void;
}

/** What has come of asking it. */
export class NeighborCounts {
  /** Swarms it was asked about, and answers. */
  asked = 0;
  answered = 0;
  /** Answers with a failure reason, and no answers. */
  refused = 0;
  failed = 0;
  /** Peers it has named. */
  named = 0;
  readonly filtered = new FilterCounts();
  readonly learned = new LearnedCounts();
  /** Milliseconds that answers took: in all, and in the mean of late. */
  latencySumMs = 0;
  latencyMs = 0;
}

/** Asks one neighbor. */
export class Neighbor {
  readonly settings: NeighborSettings;
  /** Its number as a source of learned peers. */
  readonly source: number;
  readonly counts: NeighborCounts;
  /** What went wrong last. */
  lastFailure: string | null = null;
  /** Requests under way. */
  inFlight = 0;
  readonly #parts: NeighborParts;
  readonly #template: AnnounceTemplate;
  readonly #breaker: CircuitBreaker;
  readonly #queue = new RefreshQueue(WISHES);
  /** Those that it gave no answer about, and from when on it is asked once more. */
  readonly #repeats = new RefreshQueue(REPEATS);
  #repeatFromMs = 0;
  readonly #asked: AskedSwarms;
  #identity: PollIdentity;
  #filter: PeerFilter;
  #refusals = 0;
  #retired = false;
  /** What may be begun now; refilled as time passes. */
  #budget: number;
  #budgetAtMs: number;

  /**
   * @param swarms that can be remembered: a power of two.
   * @param counts to go on from.
   */
  constructor(
    settings: NeighborSettings,
    source: number,
    parts: NeighborParts,
    identity: PollIdentity,
    rules: FilterRules,
    swarms: number,
    counts = new NeighborCounts(),
  ) {
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

  /** `closed`: it is asked; else it is left alone for a while. */
  get state(): BreakerState {
    return this.#breaker.state;
  }

  /** When it may be asked again, in milliseconds since 1970; 0 while it is asked. */
  get openUntilMs(): number {
    return this.#breaker.openUntilMs;
  }

  /** Swarms that it is still to be asked about. */
  get waiting(): number {
    return this.#queue.size + this.#repeats.size;
  }

  /** RefreshQueue that found no room. */
  get dropped(): number {
    return this.#queue.dropped + this.#repeats.dropped;
  }

  /** Takes over who we are, and what is left out of its answers. */
  adopt(identity: PollIdentity, rules: FilterRules): void {
    this.#identity = identity;
    this.#filter = new PeerFilter(rules, this.counts.filtered);
  }

  /**
   * It is to be asked about a swarm, unless it has been lately, and what it said is not forgotten.
   * @returns whether it will be, should it have the time.
   */
  requestRefresh({ infoHash, peers, isNew }: RefreshTask): boolean {
    const seconds = Math.floor(this.#parts.now() / 1000);
    if (!this.#asked.admit(infoHash, seconds, seconds + this.settings.refreshSeconds, isNew)) return false;
    return this.#queue.add(infoHash, peers);
  }

  /** It is asked no more. */
  retire(): void {
    this.#retired = true;
  }

  /** Asks about as many swarms as it may be now. */
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

  /** The next swarm to ask about, if it may be asked; those are passed over that have gone while they waited. */
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
    const bytes = new Uint8Array(4 * infoHash.length);
    for (const [i, word] of infoHash.entries()) writeWord(bytes, 4 * i, word);
    this.inFlight++;
    this.counts.asked++;
    const outcome = await this.#parts.announce(this.#template.fill(bytes, this.#identity));
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
    // A tracker that takes us for a peer counts us among the incomplete.
    const own = counts.filtered.own - ownBefore;
    const complete = (answer.complete ?? 0) > 0 && (answer.incomplete ?? own + 1) <= own;
    this.#learn(infoHash, 4, peers, complete);
    this.#learn(infoHash, 6, peers6, complete);
  }

  #learn(infoHash: Uint32Array, family: Family, peers: Uint8Array, complete: boolean): void {
    if (peers.length === 0) return;
    const { source, settings } = this;
    const expiresAt = Math.floor(this.#parts.now() / 1000) + settings.expirySeconds;
    this.#parts.learn(infoHash, { family, peers, complete, source, expiresAt }, this.counts.learned);
  }

  /** What it says is about this torrent; only when it says so of everything, it is left alone. */
  #takeRefusal(infoHash: Uint32Array, reason: string, retryIn: number | undefined): void {
    const nowMs = this.#parts.now();
    const seconds = Math.floor(nowMs / 1000);
    this.counts.refused++;
    this.lastFailure = `it said: ${reason}`;
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
    // When it has answered something else in between, that torrent waits for the next refresh.
    if (isRepeat && this.#breaker.failures === 1) return;
    this.#repeats.add(infoHash, 0);
    this.#repeatFromMs = nowMs + REPEAT_AFTER_MS;
  }
}
