/**
 * Collects what the workers have written to their rings, and sends it: after 100 ms, with 1,000 records, or at once when
 * there is a new bridge, which must not be appointed twice. Every record has a number. Numbers go on when records are
 * dropped, so that other nodes see what they have missed.
 */
import { CHANGE, CHANGE_FLAG } from "../tasks/replication-ring.ts";
import { HEADER_BYTES_MAX, type Header, writeHeader } from "./message.ts";
import { PeerRecord, RECORD_BYTES_MAX, writeAge, writeRecord } from "./record.ts";

/** The most records of a message, and how long the first of them waits. */
const BATCH = { records: 1000, waitMs: 100 } as const;

/** Sends the bytes of a message. @returns whether it was sent, or why not. */
export type SendRecords = (bytes: Uint8Array) => "sent" | "disconnected" | "slow";

/** Own records on their way to other nodes. */
export class Outbox {
  /** The number of the next record. */
  sequence = 0;
  readonly sent = { records: 0, batches: 0, bytes: 0 };
  readonly dropped = { ring: 0, disconnected: 0, slow: 0 };
  /** The change that was added last, as a record. */
  readonly record = new PeerRecord();
  readonly #bytes = new Uint8Array(HEADER_BYTES_MAX + BATCH.records * RECORD_BYTES_MAX);
  readonly #header: Header;
  readonly #mark: Uint8Array;
  readonly #send: SendRecords;
  readonly #begin: number;
  readonly #places = new Uint32Array(BATCH.records);
  readonly #times = new Float64Array(BATCH.records);
  #count = 0;
  #end: number;
  #isUrgent = false;

  /** @param header has this node's boot and site. */
  constructor(header: Header, mark: Uint8Array, send: SendRecords) {
    this.#header = header;
    this.#mark = mark;
    this.#send = send;
    this.#begin = writeHeader(header, mark, this.#bytes);
    this.#end = this.#begin;
  }

  /** Adds the change at `words[at]` (tasks/replication-ring.ts). @param nowMs when it was heard. */
  add(words: Uint32Array, at: number, nowMs: number): void {
    readChange(words, at, this.record);
    this.addRecord(this.record, nowMs, nowMs);
  }

  /** Adds a record. @param timeMs when its client announced. */
  addRecord(record: PeerRecord, timeMs: number, nowMs: number): void {
    if (this.#count === BATCH.records) this.flush(nowMs);
    this.#places[this.#count] = this.#end;
    this.#times[this.#count++] = timeMs;
    this.#end = writeRecord(record, this.#bytes, this.#end);
    if ((record.flags & CHANGE_FLAG.marked) !== 0 && record.left !== 0) this.#isUrgent = true;
  }

  /** Counts changes that found a ring full. */
  addDropped(count: number): void {
    if (count === 0) return;
    // What was collected has the numbers before the gap.
    this.dropped.ring += count;
    this.#gap += count;
  }

  #gap = 0;

  /** Whether it is time to send. */
  isDue(nowMs: number): boolean {
    if (this.#count === 0) return this.#gap > 0;
    return this.#isUrgent || this.#count === BATCH.records || nowMs - this.#times[0] >= BATCH.waitMs;
  }

  /** Sends what was collected. */
  flush(nowMs: number): void {
    const count = this.#count;
    if (count > 0) {
      for (let i = 0; i < count; i++) writeAge(this.#bytes, this.#places[i], nowMs - this.#times[i]);
      const header = this.#header;
      header.first = this.sequence;
      header.count = count;
      header.time = nowMs;
      writeHeader(header, this.#mark, this.#bytes);
      // The client of NATS sends later what it is given.
      const outcome = this.#send(this.#bytes.slice(0, this.#end));
      if (outcome === "sent") {
        this.sent.records += count;
        this.sent.batches++;
        this.sent.bytes += this.#end;
      } else this.dropped[outcome] += count;
    }
    this.sequence += count + this.#gap;
    this.#gap = 0;
    this.#count = 0;
    this.#end = this.#begin;
    this.#isUrgent = false;
  }
}

/** Reads a change of a ring into a record. */
function readChange(words: Uint32Array, from: number, out: PeerRecord): void {
  for (let i = 0; i < out.infoHash.length; i++) out.infoHash[i] = words[from + CHANGE.infoHash + i];
  const at = from + CHANGE.address;
  const flags = words[from + CHANGE.flags];
  if (flags >>> 8 === 4) out.address.setIPv4(words[at]);
  else out.address.setIPv6(words[at], words[at + 1], words[at + 2], words[at + 3]);
  out.flags = flags & 0xff;
  out.port = words[from + CHANGE.port] >>> 16;
  out.left = words[from + CHANGE.port] & 0xffff;
  out.client = words[from + CHANGE.client] | 0;
  out.sums[0] = words[from + CHANGE.sums];
  out.sums[1] = words[from + CHANGE.sums + 1];
  out.ageMs = 0;
}
