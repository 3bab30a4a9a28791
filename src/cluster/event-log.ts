/**
 * The last stops and completions, for nodes that missed them: the store does not have them. A peer that has stopped is in no
 * swarm, and one that has completed may have stopped since. Announces that this node has told late are here as well: nodes
 * ask by the time of the announce. Stops that other nodes were told are kept too: a node that is killed forgets what it was
 * told itself, and loads the peers again from its database.
 *
 * A ring of fixed size. What is overwritten before a node asks for it is missing there: a stop until the peer expires, a
 * completion for good.
 */
import { type PeerRecord, RECORD_BYTES_MAX, writeRecord } from "./record.ts";

/** Events in the ring; a power of two. At 500 a second these are nine minutes. */
const EVENTS = 1 << 18;

/** A log of records. */
export class EventLog {
  /** The number of events ever written. */
  written = 0;
  readonly #records: Uint8Array;
  /** When the events were told, and when the clients announced. */
  readonly #times: Float64Array;
  readonly #announced: Float64Array;
  /** 1 for what another node was told. */
  readonly #foreign: Uint8Array;

  /** @param events in the ring, a power of two. */
  constructor(events: number = EVENTS) {
    this.#records = new Uint8Array(events * RECORD_BYTES_MAX);
    this.#times = new Float64Array(events);
    this.#announced = new Float64Array(events);
    this.#foreign = new Uint8Array(events);
  }

  /**
   * Adds a record.
   * @param timeMs when it is told. @param announcedMs when the client announced. @param isForeign whether another node was
   * told.
   */
  add(record: PeerRecord, timeMs: number, announcedMs: number, isForeign: boolean): void {
    const place = this.#placeOf(this.written++);
    writeRecord(record, this.#records, place * RECORD_BYTES_MAX);
    this.#times[place] = timeMs;
    this.#announced[place] = announcedMs;
    this.#foreign[place] = isForeign ? 1 : 0;
  }

  /** Whether another node was told of the event with this number. */
  isForeign(number: number): boolean {
    return this.#foreign[this.#placeOf(number)] === 1;
  }

  /** The number of the first event that was told later than a time, or of the first that is left. */
  firstSince(timeMs: number): number {
    let low = Math.max(0, this.written - this.#times.length);
    let high = this.written;
    // Times do not fall: they are those of one clock.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#times[this.#placeOf(middle)] < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first event that is left. */
  get first(): number {
    return Math.max(0, this.written - this.#times.length);
  }

  /** When the client of the event with this number announced. */
  announcedOf(number: number): number {
    return this.#announced[this.#placeOf(number)];
  }

  /** Copies the record of the event with this number. @returns the offset after it. */
  copy(number: number, out: Uint8Array, at: number): number {
    const from = this.#placeOf(number) * RECORD_BYTES_MAX;
    const length = this.#records[from + 1];
    out.set(this.#records.subarray(from, from + length), at);
    return at + length;
  }

  #placeOf(number: number): number {
    return number & (this.#times.length - 1);
  }
}
