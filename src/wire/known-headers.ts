/**
 * Remembers the headers of some requests: those of a client's next request are the same, and mostly those of all
 * clients of a kind. Comparing them takes a fraction of the time of parsing them.
 */
import { equalsAt, hashOf } from "./words.ts";

/** Longest headers that are remembered, in bytes, with the final empty line. Clients send 60 to 250. */
const LIMIT = 512;

/** Remembered headers, a power of two. Each has one place, at which newer ones replace it. */
const PLACES = 64;

/** What is known of headers. Offsets are relative to their start. */
const FIELD = { length: 0, hostStart: 1, hostEnd: 2, userAgentStart: 3, userAgentEnd: 4, says: 5 } as const;
const FIELDS = 6;

/** What headers say about the connection: bits of `says`. */
export const SAYS = { close: 1, keepAlive: 2 } as const;

/** What parsing headers yields. Offsets refer to the parsed bytes. */
export interface HeaderFields {
  hostStart: number;
  hostEnd: number;
  userAgentStart: number;
  userAgentEnd: number;
}

/** Valid headers, from the end of the request line to the end of the final empty line. */
export class KnownHeaders {
  readonly #bytes = new Uint8Array(PLACES * LIMIT);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #fields = new Int32Array(PLACES * FIELDS);
  /** The place of the headers that were found or added last. */
  #last = 0;

  /**
   * Finds out whether `bytes[start, stop)` starts with known headers: the last ones, or any others that end at `stop`.
   * @returns their place, or -1.
   */
  find(bytes: Uint8Array, start: number, stop: number): number {
    if (this.#isAt(this.#last, bytes, start, stop)) return this.#last;
    if (stop - start > LIMIT) return -1;
    const place = hashOf(bytes, start, stop) & (PLACES - 1);
    if (!this.#isAt(place, bytes, start, stop)) return -1;
    this.#last = place;
    return place;
  }

  /** Their length in bytes, and what they say about the connection: bits of {@link SAYS}. */
  lengthOf(place: number): number {
    return this.#fields[place * FIELDS + FIELD.length];
  }
  saysOf(place: number): number {
    return this.#fields[place * FIELDS + FIELD.says];
  }

  /** Sets the fields for headers that start at `start`. */
  read(place: number, start: number, into: HeaderFields): void {
    const fields = this.#fields;
    const at = place * FIELDS;
    into.hostStart = start + fields[at + FIELD.hostStart];
    into.hostEnd = start + fields[at + FIELD.hostEnd];
    into.userAgentStart = start + fields[at + FIELD.userAgentStart];
    into.userAgentEnd = start + fields[at + FIELD.userAgentEnd];
  }

  /** Remembers the valid headers at `bytes[start, end)`. */
  add(bytes: Uint8Array, start: number, end: number, says: number, from: HeaderFields): void {
    if (end - start > LIMIT) return;
    const place = hashOf(bytes, start, end) & (PLACES - 1);
    for (let i = start, to = place * LIMIT; i < end; i++, to++) this.#bytes[to] = bytes[i];
    const fields = this.#fields;
    const at = place * FIELDS;
    fields[at + FIELD.length] = end - start;
    // Both offsets of a missing one are 0: then it is empty, at the start.
    fields[at + FIELD.hostStart] = Math.max(0, from.hostStart - start);
    fields[at + FIELD.hostEnd] = Math.max(0, from.hostEnd - start);
    fields[at + FIELD.userAgentStart] = Math.max(0, from.userAgentStart - start);
    fields[at + FIELD.userAgentEnd] = Math.max(0, from.userAgentEnd - start);
    fields[at + FIELD.says] = says;
    this.#last = place;
  }

  #isAt(place: number, bytes: Uint8Array, start: number, stop: number): boolean {
    const length = this.lengthOf(place);
    return length > 0 && length <= stop - start && equalsAt(bytes, start, this.#view, place * LIMIT, length);
  }
}
