/** Sends this node's messages: records (outbox.ts), heartbeats, digests, questions and answers. */
import { BEAT_BYTES_MAX, type Beat, writeBeat } from "./beat.ts";
import type { Bus } from "./bus.ts";
import type { Digests } from "./digests.ts";
import { ANSWER_BYTES, type AnswerTimes, type Donor } from "./donor.ts";
import {
  HEADER_BYTES_MAX,
  Header,
  headerBytes,
  type MessageKind,
  subjectOf,
  writeHeader,
} from "./message.ts";
import { Outbox } from "./outbox.ts";
import { QUESTION_BYTES_MAX, type Question, questionBytes, writeQuestion } from "./question.ts";
import type { ClusterSettings } from "./settings.ts";

/** What is in every message. */
export interface SenderIdentity {
  readonly settings: Pick<ClusterSettings, "name" | "node" | "site">;
  /** Differs for every start. */
  readonly boot: number;
  /** That of the cluster's secret. */
  readonly mark: Uint8Array;
}

/** Writes messages, and publishes them. */
export class Sender {
  readonly outbox: Outbox;
  readonly #header = new Header();
  readonly #settings: SenderIdentity["settings"];
  readonly #mark: Uint8Array;
  readonly #bus: Bus;

  constructor({ settings, boot, mark }: SenderIdentity, bus: Bus) {
    this.#settings = settings;
    this.#mark = mark;
    this.#bus = bus;
    this.#header.boot = boot;
    this.#header.site = settings.site;
    const subject = this.#subject("records");
    this.outbox = new Outbox(this.#header, mark, (bytes) => bus.publish(subject, bytes));
  }

  /** Sends a heartbeat. */
  beat(beat: Beat, nowMs: number): void {
    const out = new Uint8Array(HEADER_BYTES_MAX + BEAT_BYTES_MAX);
    const end = writeBeat(beat, out, this.#writeHeader(out, 0, nowMs));
    this.#publish("beat", out.subarray(0, end));
  }

  /** Sends the digest of this node. */
  digest(digests: Digests, nowMs: number): void {
    const out = new Uint8Array(HEADER_BYTES_MAX + digests.bytes);
    const end = digests.write(out, this.#writeHeader(out, 0, nowMs));
    this.#publish("digest", out.subarray(0, end));
  }

  /** Asks a node. @returns whether the question is on its way. */
  ask(node: string, question: Question, nowMs: number): boolean {
    const out = new Uint8Array(HEADER_BYTES_MAX + QUESTION_BYTES_MAX);
    const end = writeQuestion(question, out, this.#writeHeader(out, 0, nowMs));
    return this.#publish("ask", out.subarray(0, end), node);
  }

  /** Sends a node what it asks for, or a part of it. */
  answer(node: string, question: Question, donor: Donor, times: AnswerTimes): void {
    // The records are written first, where they belong: the header has their number, and the question where they end.
    const at = headerBytes(this.#header) + questionBytes(question);
    const out = new Uint8Array(at + ANSWER_BYTES);
    const end = donor.answer(question, times, out, at);
    writeQuestion(question, out, this.#writeHeader(out, donor.count, times.nowMs));
    this.#publish("answer", out.subarray(0, end), node);
  }

  /** Sends what a neighbor has answered. @param bytes as tasks/shared-answer.ts encodes it. */
  neighbor(bytes: Uint8Array, nowMs: number): void {
    const out = new Uint8Array(headerBytes(this.#header) + bytes.length);
    out.set(bytes, this.#writeHeader(out, 0, nowMs));
    this.#publish("neighbor", out);
  }

  /** Sends what the pages of other nodes show of this one. It has no header. */
  status(bytes: Uint8Array): void {
    this.#publish("status", bytes);
  }

  #writeHeader(out: Uint8Array, count: number, nowMs: number): number {
    const header = this.#header;
    header.first = this.outbox.sequence;
    header.count = count;
    header.time = nowMs;
    return writeHeader(header, this.#mark, out);
  }

  #publish(kind: MessageKind, bytes: Uint8Array, other?: string): boolean {
    return this.#bus.publish(this.#subject(kind, other), bytes) === "sent";
  }

  #subject(kind: MessageKind, other?: string): string {
    const { name, node } = this.#settings;
    return subjectOf(name, node, kind, other);
  }
}
