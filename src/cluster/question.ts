/**
 * A question of a node that catches up, and the place where its answer ends. Both follow a header (message.ts); numbers
 * are big-endian. The answer has the same fields, and then the records.
 *
 *     id:32  flags:8  age:32 (ms)  ranges:8
 *     shard:16  swarm:32  word:32  family:8  left:32  event:48
 *     range:16 each
 *
 * `age`: what was heard since so long ago is asked for, in milliseconds before the question was sent. `shard` to `event` are a
 * cursor that only the donor understands: the first question has zeros, the next one what the last answer had.
 */
import { readPort, readWord, writePort, writeWord } from "../model/address.ts";
import { RANGES } from "./digest.ts";
import { read48, write48 } from "./message.ts";
import { BEGIN, WalkCursor } from "./store-walk.ts";

/** What a question asks for, besides what the node itself has heard. */
export const ASK_FLAG = {
  /** What it has from other nodes, too. */
  foreignToo: 1,
  /** The answer is the last one. */
  done: 2,
  /** What is known of the swarms, and no peers and events. */
  swarms: 4,
  /** Completions are not told of, as the counts of the swarms are asked for afterwards. */
  uncounted: 8,
} as const;

/** The age that asks for everything. */
export const AGE_ALL = 0xffffffff;

/** Ranges (digest.ts) that a question can name; none: all. */
export const ASKED_RANGES_MAX = 64;

const NO_EVENT = 2 ** 48 - 1;
const AT = {
  id: 0,
  flags: 4,
  age: 5,
  ranges: 9,
  shard: 10,
  swarm: 12,
  word: 16,
  family: 20,
  left: 21,
  event: 25,
};
const FIXED_BYTES = 31;
/** The most bytes of a question. */
export const QUESTION_BYTES_MAX = FIXED_BYTES + 2 * ASKED_RANGES_MAX;

/** A question, or how far its answer comes. Mutable, reused. */
export class Question {
  id = 0;
  flags = 0;
  ageMs = 0;
  ranges: number[] = [];
  readonly cursor = new WalkCursor();
  /** The number of the next event; undefined: the events have not begun. */
  event: number | undefined;
  isDone = false;

  /** Sets the cursor to the begin. */
  begin(): void {
    const { cursor } = this;
    cursor.shard = 0;
    cursor.swarm = BEGIN;
    cursor.word = 0;
    cursor.family = 0;
    cursor.left = 0;
    this.event = undefined;
    this.isDone = false;
  }
}

/** The bytes that a question takes, or the begin of its answer. */
export function questionBytes({ ranges }: Question): number {
  return FIXED_BYTES + 2 * ranges.length;
}

/** Writes a question, or the begin of an answer. @returns the offset after it. */
export function writeQuestion(question: Question, out: Uint8Array, at: number): number {
  const { cursor, ranges } = question;
  writeWord(out, at + AT.id, question.id);
  out[at + AT.flags] = question.flags | (question.isDone ? ASK_FLAG.done : 0);
  writeWord(out, at + AT.age, Math.min(AGE_ALL, Math.max(0, Math.round(question.ageMs))));
  out[at + AT.ranges] = ranges.length;
  writePort(out, at + AT.shard, cursor.shard);
  writeWord(out, at + AT.swarm, cursor.swarm);
  writeWord(out, at + AT.word, cursor.word);
  out[at + AT.family] = cursor.family;
  writeWord(out, at + AT.left, cursor.left);
  write48(out, at + AT.event, question.event ?? NO_EVENT);
  for (const [i, range] of ranges.entries()) writePort(out, at + FIXED_BYTES + 2 * i, range);
  return at + questionBytes(question);
}

/** Reads a question, or the begin of an answer. @returns the offset after it, or 0 if the bytes are none. */
export function readQuestion(bytes: Uint8Array, at: number, out: Question): number {
  if (bytes.length < at + FIXED_BYTES) return 0;
  const count = bytes[at + AT.ranges];
  const end = at + FIXED_BYTES + 2 * count;
  if (count > ASKED_RANGES_MAX || end > bytes.length) return 0;
  const { cursor } = out;
  out.id = readWord(bytes, at + AT.id);
  out.flags = bytes[at + AT.flags];
  out.isDone = (out.flags & ASK_FLAG.done) !== 0;
  out.flags &= ~ASK_FLAG.done;
  out.ageMs = readWord(bytes, at + AT.age);
  cursor.shard = readPort(bytes, at + AT.shard);
  cursor.swarm = readWord(bytes, at + AT.swarm);
  cursor.word = readWord(bytes, at + AT.word);
  const family = bytes[at + AT.family];
  cursor.family = family === 4 || family === 6 ? family : 0;
  cursor.left = readWord(bytes, at + AT.left);
  const event = read48(bytes, at + AT.event);
  out.event = event === NO_EVENT ? undefined : event;
  out.ranges = Array.from({ length: count }, (_, i) => readPort(bytes, at + FIXED_BYTES + 2 * i) % RANGES);
  return end;
}
