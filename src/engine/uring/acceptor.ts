/**
 * Accepting connections over io_uring: one operation a listening socket, which goes on until it fails.
 *
 * A socket that several threads accept from wakes one of them for each connection: the one whose operation has waited
 * longest. An operation that goes on would stay that one, and its thread have them all; so there each is for one
 * connection.
 */
import { CQE_FLAG } from "./layouts.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";

/** Operations on a socket that others may accept from. */
const ACCEPTS_AT_ONCE = 4;

/** Accepts from the listening sockets of a thread. */
export class Acceptor {
  readonly #ring: Ring;
  readonly #listeners: number[] = [];
  /** Those that others may accept from. */
  readonly #given = new Set<number>();
  /** Those that wait until there are descriptors again. */
  readonly #paused: number[] = [];
  #stopping = false;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Starts to accept from a listening socket. @param isGiven whether others may accept from it, too. */
  listen(fd: number, isGiven: boolean): void {
    this.#listeners.push(fd);
    if (isGiven) this.#given.add(fd);
    for (let i = 0; i < (isGiven ? ACCEPTS_AT_ONCE : 1); i++) this.#accept(fd);
  }

  /**
   * Takes a completion. After a failure the listener waits for {@link resume}: without descriptors, or memory, trying
   * again at once would be in vain.
   * @returns whether it brings a connection, or is none: it failed.
   */
  accepted(listener: number, result: number, flags: number): boolean {
    if ((flags & CQE_FLAG.more) === 0 && !this.#stopping) {
      if (result < 0) this.#paused.push(listener);
      else this.#accept(listener);
    }
    return result >= 0;
  }

  /** Tries again where accepting failed. */
  resume(): void {
    while (this.#paused.length > 0) this.#accept(this.#paused.pop() ?? -1);
  }

  /** Accepts no more, and closes the listening sockets. */
  stop(): void {
    this.#stopping = true;
    this.#paused.length = 0;
    for (const fd of this.#listeners.splice(0)) {
      this.#ring.retire(fd);
    }
  }

  #accept(fd: number): void {
    this.#ring.accept(fd, !this.#given.has(fd), fd, PURPOSE.accepted);
  }
}
