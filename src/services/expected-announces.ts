/**
 * HTTP announces that have arrived together with others. They are decoded before the first of them is served, so that the
 * tracker can read the memory for all of them together (store/read-ahead.ts), and are not decoded again.
 */
import type { AnnounceRequest } from "../model/announce.ts";
import { OK } from "../model/client-error.ts";
import { AnnounceKeys } from "../wire/announce-keys.ts";
import { AnnounceQuery } from "../wire/announce-query.ts";
import { ascii } from "../wire/ascii.ts";
import { skipVisible, viewOf } from "../wire/words.ts";

/** The maximum of announces in a batch. Further ones are decoded when they are served. */
const BATCH_MAX = 64;

/** Further announces are looked at if the next one does not come: its connection may have been closed. */
const PASSED_OVER_MAX = 4;

/** How almost all announces begin. Others are decoded when they are served. */
const BEGINNING = ascii("GET /announce?info_hash=");
const QUERY_AT = BEGINNING.indexOf(0x3f) + 1;
const BEGINNING_WORDS = new DataView(BEGINNING.buffer, BEGINNING.byteOffset, BEGINNING.length);

/** The batch of one worker. */
export class ExpectedAnnounces {
  readonly #queries: readonly AnnounceQuery[];
  /** Where the query of each announce is. */
  readonly #starts = new Int32Array(BATCH_MAX);
  readonly #ends = new Int32Array(BATCH_MAX);
  #input: Uint8Array | undefined;
  #count = 0;
  #next = 0;

  constructor() {
    const keys = new AnnounceKeys();
    this.#queries = Array.from({ length: BATCH_MAX }, () => new AnnounceQuery(keys));
  }

  /** Begins a batch. The input may have changed: what was decoded from it is dropped. */
  begin(): void {
    this.#count = 0;
    this.#next = 0;
  }

  /**
   * Decodes the announce at the start of `[start, end)`, if it begins as almost all do.
   * @returns the announce; undefined if there is none, or if the batch is full.
   */
  add(input: Uint8Array, start: number, end: number): AnnounceRequest | undefined {
    const i = this.#count;
    if (i === BATCH_MAX || !beginsAsUsual(input, start, end)) return undefined;
    if (i > 0 && input !== this.#input) return undefined;
    const from = start + QUERY_AT;
    const to = skipVisible(input, from, end);
    const query = this.#queries[i];
    query.decode(input, from, to);
    if (query.error !== OK) return undefined;
    this.#input = input;
    this.#starts[i] = from;
    this.#ends[i] = to;
    this.#count++;
    return query.request;
  }

  /** @returns the decoded query that is in `[start, end)`, or undefined. Those that are passed over are dropped. */
  take(input: Uint8Array, start: number, end: number): AnnounceQuery | undefined {
    if (input !== this.#input) return undefined;
    const stop = Math.min(this.#next + PASSED_OVER_MAX, this.#count);
    for (let i = this.#next; i < stop; i++) {
      if (this.#starts[i] !== start) continue;
      this.#next = i + 1;
      return this.#ends[i] === end ? this.#queries[i] : undefined;
    }
    return undefined;
  }
}

function beginsAsUsual(input: Uint8Array, start: number, end: number): boolean {
  const view = viewOf(input);
  if (view === null || end - start < BEGINNING.length) return false;
  for (let i = 0; i < BEGINNING.length; i += 4) {
    if (view.getInt32(start + i) !== BEGINNING_WORDS.getInt32(i)) return false;
  }
  return true;
}
