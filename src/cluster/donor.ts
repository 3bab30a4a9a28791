/**
 * Answers nodes that catch up: what this node has heard since a time, a part of it for each question. The question says
 * where to go on, so the donor keeps nothing of a node that asks. After the swarms come the events that are in no swarm
 * (event-log.ts).
 */
import type { Family } from "../model/address.ts";
import { copyInfoHash, downloadedOf, firstSeenOf, flagsOf, isFresh } from "../store/layout/entry.ts";
import { isForeign, isLearned } from "../store/layout/key.ts";
import { wordAOf, wordBAt } from "../store/layout/peer.ts";
import { ageOf } from "../store/peer-record.ts";
import type { SwarmStore } from "../store/swarm-store.ts";
import { rangeOf } from "./digest.ts";
import type { EventLog } from "./event-log.ts";
import { ASK_FLAG, type Question } from "./question.ts";
import {
  clearCounted,
  PeerRecord,
  RECORD_BYTES_MAX,
  SwarmRecord,
  writeAge,
  writeRecord,
  writeSwarm,
} from "./record.ts";
import { isSeenSince, type WalkVisitor, walk } from "./store-walk.ts";
import { readStored } from "./stored-record.ts";

/** Bytes of records in an answer. */
export const ANSWER_BYTES = 480_000;

/** Holds of a shard for one answer: a question that finds little is answered after some milliseconds all the same. */
const STEPS = 8000;

/** When a question was asked, and when it is answered, in milliseconds by this node's clock. */
export interface AnswerTimes {
  readonly askedMs: number;
  readonly nowMs: number;
}

/** Reads what a node asks for. */
export class Donor implements WalkVisitor {
  /** Records in the last answer. */
  count = 0;
  readonly #store: SwarmStore;
  readonly #events: EventLog;
  readonly #record = new PeerRecord();
  readonly #swarm = new SwarmRecord();
  #out: Uint8Array = new Uint8Array(0);
  #at = 0;
  #question: Question | undefined;
  /** The time that is asked for, and now. */
  #sinceMs = 0;
  #since = 0;
  #now = 0;
  #nowMs = 0;

  constructor(store: SwarmStore, events: EventLog) {
    this.#store = store;
    this.#events = events;
  }

  /**
   * Answers a question, and moves its cursor behind what is answered.
   * @param out the answer is written from `at` on, {@link ANSWER_BYTES} and some at most.
   * @returns the offset after it.
   */
  answer(question: Question, { askedMs, nowMs }: AnswerTimes, out: Uint8Array, at: number): number {
    this.#question = question;
    this.#out = out.subarray(0, at + ANSWER_BYTES);
    this.#at = at;
    this.count = 0;
    this.#nowMs = nowMs;
    this.#now = Math.floor(nowMs / 1000);
    this.#sinceMs = askedMs - question.ageMs;
    this.#since = Math.floor(this.#sinceMs / 1000);
    if (!walk(this.#store, question.cursor, this, STEPS)) return this.#at;
    if (this.#isOfSwarms) question.isDone = true;
    else this.#answerEvents(question);
    return this.#at;
  }

  /** Whether only what is known of the swarms is asked for. */
  get #isOfSwarms(): boolean {
    return (this.#question!.flags & ASK_FLAG.swarms) !== 0;
  }

  get room(): number {
    return Math.floor((this.#out.length - this.#at) / RECORD_BYTES_MAX) - 1;
  }

  enters(entry: number): boolean {
    const question = this.#question!;
    if (question.ranges.length > 0 && !question.ranges.includes(rangeOf(this.#store.words[entry])))
      return false;
    return isSeenSince(this.#store, entry, this.#since);
  }

  peer(entry: number, record: number, family: Family): void {
    if (this.#isOfSwarms) return;
    const { words } = this.#store;
    const wordA = wordAOf(record, family);
    const key = words[wordA] | 0;
    if (isLearned(key)) return;
    const foreignToo = (this.#question!.flags & ASK_FLAG.foreignToo) !== 0;
    if (isForeign(key) && !foreignToo) return;
    const heard = this.#now - ageOf(wordBAt(words, wordA), this.#now);
    if (heard < this.#since) return;
    const out = this.#record;
    readStored(words, entry, record, family, out);
    out.ageMs = this.#nowMs - heard * 1000;
    this.#at = writeRecord(out, this.#out, this.#at);
    this.count++;
  }

  leaves(entry: number): void {
    const { words } = this.#store;
    if (!this.#isOfSwarms) return;
    // What storage knows of a fresh swarm is not added to it yet.
    if (isFresh(flagsOf(words, entry)) && downloadedOf(words, entry) === 0) return;
    const out = this.#swarm;
    copyInfoHash(words, entry, out.infoHash);
    out.downloaded = downloadedOf(words, entry);
    out.ageSeconds = Math.max(0, this.#now - firstSeenOf(words, entry));
    this.#at = writeSwarm(out, this.#out, this.#at);
    this.count++;
  }

  #answerEvents(question: Question): void {
    const events = this.#events;
    let next = Math.max(question.event ?? events.firstSince(this.#sinceMs), events.first);
    const foreignToo = (question.flags & ASK_FLAG.foreignToo) !== 0;
    for (; next < events.written && this.room > 0; next++) {
      if (!foreignToo && events.isForeign(next)) continue;
      const from = this.#at;
      this.#at = events.copy(next, this.#out, from);
      writeAge(this.#out, from, this.#nowMs - events.announcedOf(next));
      if ((question.flags & ASK_FLAG.uncounted) !== 0 && !clearCounted(this.#out, from)) {
        this.#at = from;
        continue;
      }
      this.count++;
    }
    question.event = next;
    question.isDone = next >= events.written;
  }
}
