/**
 * The last stops that this node was told, for nodes that missed them: a peer that has stopped is not in the store. A ring
 * of fixed size. A stop that is overwritten before a node asks for it is missing there until the peer expires.
 */
import { RECORD_BYTES_MAX } from "./record.ts";

/** Stops in the ring; a power of two. At 500 a second these are nine minutes. */
const STOPS = 1 << 18;

/** A log of records of stops. */
export class StopLog {
  /** The number of stops ever written. */
  written = 0;
  readonly #records: Uint8Array;
  readonly #times: Float64Array;

  /** @param stops in the ring, a power of two. */
  constructor(stops: number = STOPS) {
    this.#records = new Uint8Array(stops * RECORD_BYTES_MAX);
    this.#times = new Float64Array(stops);
  }

  /** Adds the record at `bytes[at]`. @param timeMs when the client stopped. */
  add(bytes: Uint8Array, at: number, length: number, timeMs: number): void {
    const place = this.#placeOf(this.written++);
    this.#records.set(bytes.subarray(at, at + length), place * RECORD_BYTES_MAX);
    this.#times[place] = timeMs;
  }

  /** The number of the first stop that is later than a time, or of the first that is left. */
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

  /** The first stop that is left. */
  get first(): number {
    return Math.max(0, this.written - this.#times.length);
  }

  /** When the stop with this number was. */
  timeOf(number: number): number {
    return this.#times[this.#placeOf(number)];
  }

  /** Copies the record of the stop with this number. @returns the offset after it. */
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
