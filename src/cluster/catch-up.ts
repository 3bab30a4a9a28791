/**
 * Fetches what this node has missed. A node that was heard is asked itself, since others may have missed the same; after
 * two failures another node is asked for everything that it has. The first one is asked as well when it answers again:
 * the other may have missed the same. One fetch is under way at a time, of many questions,
 * each of which is asked when the answer to the last one has come.
 *
 * Nothing waits for a node that is heard but has not answered several questions in a row: it is asked again from time to
 * time.
 */
import type { OtherNode } from "./other-node.ts";
import { AGE_ALL, ASK_FLAG, ASKED_RANGES_MAX, Question } from "./question.ts";

/** How long an answer may take. After each answer that did not come it is doubled, twice at most: the node may be slow. */
const ANSWER_MS = 2000;
const DOUBLINGS_MAX = 2;
/** The pause before the same node is asked again, and before one that does not answer is. */
const RETRY_MS = 1000;
const UNRESPONSIVE_RETRY_MS = 10_000;
const FAILURES_MAX = 2;

/** Records that a node heard shortly before what is known to be complete are fetched too: its times are whole seconds. */
const MARGIN_MS = 2000;

/** A time that stands for the begin of all times. */
export const EVERYTHING = Number.NEGATIVE_INFINITY;

/** What is to be fetched. */
export interface Fetch {
  /** From this time on, in milliseconds by this node's clock; {@link EVERYTHING}: all. */
  readonly sinceMs: number;
  readonly foreignToo: boolean;
  /** These ranges (digest.ts); none: all. */
  readonly ranges: readonly number[];
  /** Only what is known of the swarms themselves. */
  readonly isOfSwarms?: boolean;
  /** Completions are left out: this node may have counted them before it started again. */
  readonly isUncounted?: boolean;
}

interface Job {
  node: OtherNode;
  sinceMs: number;
  foreignToo: boolean;
  ranges: number[];
  failures: number;
  /** Not before this time. */
  notBefore: number;
  /** Another node was asked for the same. */
  hasAskedOther: boolean;
  isOfSwarms: boolean;
  isUncounted: boolean;
}

/** Fetches, one after the other. */
export class CatchUp {
  fetches = 0;
  failures = 0;
  /** The fetch under way: when it began, and its records so far. */
  startedMs = 0;
  records = 0;
  readonly #send: (node: OtherNode, question: Question) => boolean;
  readonly #others: () => readonly OtherNode[];
  readonly #question = new Question();
  readonly #waiting: Job[] = [];
  /** What another node than that of the job is to be asked, when there is one that has caught up. */
  readonly #forOthers: Job[] = [];
  #job: Job | undefined;
  #askedMs = 0;
  #id = 0;

  /** @param send asks a node. @param others all nodes that are known. */
  constructor(send: (node: OtherNode, question: Question) => boolean, others: () => readonly OtherNode[]) {
    this.#send = send;
    this.#others = others;
  }

  /** The node that is asked now. */
  get from(): OtherNode | undefined {
    return this.#job?.node;
  }

  /** Whether nothing is left to be fetched, but from nodes that are silent or do not answer. */
  isDone(nowMs: number): boolean {
    const job = this.#job;
    return (
      !(job !== undefined && isAwaited(job, nowMs)) && !this.#waiting.some((each) => isAwaited(each, nowMs))
    );
  }

  /** Asks for a fetch. One that waits for the same node is extended. */
  request(node: OtherNode, fetch: Fetch): void {
    addJob(this.#waiting, jobOf(node, fetch));
  }

  /** Asks for a fetch from another node than this one, as soon as there is one that has caught up. */
  requestFromOther(node: OtherNode, fetch: Fetch): void {
    addJob(this.#forOthers, jobOf(node, fetch));
  }

  /** Begins the next fetch, and gives up an answer that does not come. */
  tick(nowMs: number): void {
    for (const asked of this.#forOthers.splice(0)) {
      const other = this.#otherThan(asked.node, nowMs);
      if (other === undefined) this.#forOthers.push(asked);
      else this.request(other, asked);
    }
    const job = this.#job;
    if (job === undefined) this.#next(nowMs);
    else if (job.node.isSilent(nowMs)) this.#fail(job, nowMs);
    else if (nowMs - this.#askedMs > ANSWER_MS * 2 ** Math.min(job.node.unanswered, DOUBLINGS_MAX)) {
      job.node.unanswered++;
      this.#fail(job, nowMs);
    }
  }

  /**
   * Takes an answer.
   * @param answer of the node. Its cursor is where to go on.
   * @returns whether it is the answer that is waited for: then its records are valid.
   */
  answered(node: OtherNode, answer: Question, records: number, nowMs: number): boolean {
    const job = this.#job;
    if (job === undefined || job.node !== node || answer.id !== this.#id) return false;
    node.unanswered = 0;
    this.records += records;
    if (answer.isDone) {
      this.#job = undefined;
      this.fetches++;
      this.#next(nowMs);
    } else {
      job.failures = 0;
      this.#question.cursor.copyFrom(answer.cursor);
      this.#question.event = answer.event;
      this.#ask(job, nowMs);
    }
    return true;
  }

  #next(nowMs: number): void {
    const ready = this.#waiting.findIndex((job) => job.notBefore <= nowMs && !isPointless(job, nowMs));
    if (ready === -1) return;
    const [job] = this.#waiting.splice(ready, 1);
    this.#job = job;
    this.#question.begin();
    this.startedMs = nowMs;
    this.records = 0;
    if (job.node.isSilent(nowMs)) this.#fail(job, nowMs);
    else this.#ask(job, nowMs);
  }

  #ask(job: Job, nowMs: number): void {
    const question = this.#question;
    question.id = this.#id = (this.#id + 1) >>> 0;
    const ageMs = job.sinceMs === EVERYTHING ? AGE_ALL : nowMs - job.sinceMs + MARGIN_MS;
    question.ageMs = Math.min(AGE_ALL, ageMs);
    question.flags =
      (job.foreignToo ? ASK_FLAG.foreignToo : 0) |
      (job.isOfSwarms ? ASK_FLAG.swarms : 0) |
      (job.isUncounted ? ASK_FLAG.uncounted : 0);
    question.ranges = job.ranges;
    this.#askedMs = nowMs;
    if (!this.#send(job.node, question)) this.#fail(job, nowMs);
  }

  #fail(job: Job, nowMs: number): void {
    const { node } = job;
    this.failures++;
    job.failures++;
    this.#job = undefined;
    const isSilent = node.isSilent(nowMs);
    const isHopeless = isSilent || node.isUnresponsive || job.failures >= FAILURES_MAX;
    if (isHopeless && !job.hasAskedOther) {
      // The other node was told by the first one, so that is foreign there.
      const fetch = { ...job, foreignToo: true };
      const other = this.#otherThan(node, nowMs);
      if (other !== undefined) this.request(other, fetch);
      // Nodes that appear later are asked for everything anyway.
      else if (!isSilent) this.requestFromOther(node, fetch);
      job.hasAskedOther = true;
    }
    const pauseMs = node.isUnresponsive ? UNRESPONSIVE_RETRY_MS : RETRY_MS;
    addJob(this.#waiting, { ...job, notBefore: nowMs + pauseMs });
  }

  #otherThan(node: OtherNode, nowMs: number): OtherNode | undefined {
    const able = this.#others().filter(
      (each) => each !== node && each.isReady && !each.isSilent(nowMs) && !each.isUnresponsive,
    );
    return able.find((each) => each.site === node.site) ?? able[0];
  }
}

function jobOf(
  node: OtherNode,
  { sinceMs, foreignToo, ranges, isOfSwarms = false, isUncounted = false }: Fetch,
): Job {
  return {
    node,
    sinceMs,
    foreignToo,
    ranges: [...ranges],
    failures: 0,
    notBefore: 0,
    hasAskedOther: false,
    isOfSwarms,
    isUncounted,
  };
}

/** Adds a job to those that wait, or extends the one for the same node. */
function addJob(jobs: Job[], job: Job): void {
  const same = jobs.find((each) => each.node === job.node && each.isOfSwarms === job.isOfSwarms);
  if (same === undefined) {
    jobs.push(job);
    return;
  }
  const all = new Set([...same.ranges, ...job.ranges]);
  const isOfAll = same.ranges.length === 0 || job.ranges.length === 0 || all.size > ASKED_RANGES_MAX;
  same.ranges = isOfAll ? [] : [...all];
  same.sinceMs = Math.min(same.sinceMs, job.sinceMs);
  same.foreignToo ||= job.foreignToo;
  same.isUncounted ||= job.isUncounted;
  same.hasAskedOther &&= job.hasAskedOther;
}

/** Whether a job waits for a silent node, for which another one was asked if there is any. */
function isPointless({ node, hasAskedOther }: Job, nowMs: number): boolean {
  return hasAskedOther && node.isSilent(nowMs);
}

/** Whether this node has not caught up without a job: its node answers, or no other one was asked. */
function isAwaited({ node, hasAskedOther }: Job, nowMs: number): boolean {
  return !hasAskedOther || !(node.isSilent(nowMs) || node.isUnresponsive);
}
