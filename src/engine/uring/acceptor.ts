/**
 * Accepts connections over io_uring. A listening socket of our own has one multishot accept operation.
 *
 * An inherited socket may be shared by several threads. The kernel wakes the thread whose operation has waited longest,
 * and a multishot operation would stay the oldest: its thread would get all connections. So an inherited socket has
 * several single-shot operations.
 */
import { CQE_FLAG } from "./layouts.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";

/** Accept operations on an inherited socket. */
const ACCEPTS_AT_ONCE = 4;

/** Accepts from the listening sockets of a thread. */
export class Acceptor {
  readonly #ring: Ring;
  readonly #listeners: number[] = [];
  /** Inherited sockets, which other threads may accept from. */
  readonly #inherited = new Set<number>();
  /** Sockets that wait for free descriptors or memory. */
  readonly #paused: number[] = [];
  #stopping = false;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Starts to accept from a socket. @param isInherited whether other threads may accept from it, too. */
  listen(fd: number, isInherited: boolean): void {
    this.#listeners.push(fd);
    if (isInherited) this.#inherited.add(fd);
    for (let i = 0; i < (isInherited ? ACCEPTS_AT_ONCE : 1); i++) this.#accept(fd);
  }

  /**
   * Handles a completion. After a failure the socket waits for {@link resume}: while descriptors or memory are
   * exhausted, an immediate retry would fail.
   * @returns whether it is a connection; false after a failure.
   */
  accepted(listener: number, result: number, flags: number): boolean {
    if ((flags & CQE_FLAG.more) === 0 && !this.#stopping) {
      if (result < 0) this.#paused.push(listener);
      else this.#accept(listener);
    }
    return result >= 0;
  }

  /** Retries where accepting failed. */
  resume(): void {
    while (this.#paused.length > 0) this.#accept(this.#paused.pop() ?? -1);
  }

  /** Stops accepting, and closes the listening sockets. */
  stop(): void {
    this.#stopping = true;
    this.#paused.length = 0;
    for (const fd of this.#listeners.splice(0)) {
      this.#ring.retire(fd);
    }
  }

  #accept(fd: number): void {
    this.#ring.accept(fd, !this.#inherited.has(fd), fd, PURPOSE.accepted);
  }
}
