/**
 * Remembers where the gate has failed: a home that lost its source, a member that got nothing. They stay open for a while,
 * which doubles with each failure. A table of fixed size: the oldest failure is forgotten first.
 */
import { INFO_HASH_WORDS } from "../model/info-hash.ts";
import type { KeyedHash } from "../store/keyed-hash.ts";
import { COPY_WORDS } from "./swarm-records.ts";

/** Failures that are remembered. */
const FAILURES_MAX = 65_536;

/** Doublings of the while, at most: it is some hours at last. */
const DOUBLINGS_MAX = 6;

/** A failure that is so many whiles past is forgotten. */
const FORGOTTEN = 8;

/** The moments of one announce differ by less: the clocks of two threads are a second apart. */
const SAME_SECONDS = 1;

interface Failure {
  /** Seconds: when it was found, and until when the gate stays open. */
  readonly at: number;
  readonly until: number;
  readonly doublings: number;
}

/** The failures of one gate. Two swarms or members may be taken for one, by chance: then one stays open for longer. */
export class Failures {
  readonly #hash: KeyedHash;
  readonly #failures = new Map<number, Failure>();
  readonly #words = new Uint32Array(INFO_HASH_WORDS + COPY_WORDS);

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  /** The key of a home in a swarm. */
  homeKey(infoHash: Uint32Array, home: number): number {
    for (let i = 0; i < INFO_HASH_WORDS; i++) this.#words[i] = infoHash[i];
    return this.#key(INFO_HASH_WORDS, home);
  }

  /** The key of a member in a swarm, with its address at `words[at]`. */
  memberKey(infoHash: Uint32Array, words: Uint32Array, at: number, port: number): number {
    for (let i = 0; i < INFO_HASH_WORDS; i++) this.#words[i] = infoHash[i];
    for (let i = 0; i < COPY_WORDS; i++) this.#words[INFO_HASH_WORDS + i] = words[at + i];
    return this.#key(INFO_HASH_WORDS + COPY_WORDS, port);
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#failures.size === 0;
  }

  /** Whether the gate stays open. @param now seconds. */
  isHeld(key: number, now: number): boolean {
    const failure = this.#failures.get(key);
    return failure !== undefined && now < failure.until;
  }

  /**
   * Notes a failure, once for each moment that it is found at.
   * @param at seconds: of the announce by which it was found.
   * @param least seconds for which the gate stays open after the first.
   * @returns whether it was noted.
   */
  note(key: number, at: number, now: number, least: number): boolean {
    const before = this.#failures.get(key);
    if (before !== undefined && at <= before.at + SAME_SECONDS) return false;
    const isRecent = before !== undefined && now < before.until + FORGOTTEN * (before.until - before.at);
    const doublings = isRecent ? Math.min(before.doublings + 1, DOUBLINGS_MAX) : 0;
    this.#failures.delete(key);
    this.#failures.set(key, { at, until: now + least * 2 ** doublings, doublings });
    if (this.#failures.size > FAILURES_MAX) {
      const [oldest] = this.#failures.keys();
      this.#failures.delete(oldest);
    }
    return true;
  }

  #key(count: number, last: number): number {
    const high = this.#hash.hash(this.#words, 0, count, last) & 0x1fffff;
    return high * 2 ** 32 + (this.#hash.hash(this.#words, 0, count, ~last) >>> 0);
  }
}
