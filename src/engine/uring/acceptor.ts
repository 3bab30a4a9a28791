/** Accepting connections over io_uring: one operation a listening socket, which goes on until it fails. */
import { CQE_FLAG } from "./layouts.ts";
import { PURPOSE } from "./purpose.ts";
import type { Ring } from "./ring.ts";

/** Accepts from the listening sockets of a thread. */
export class Acceptor {
  readonly #ring: Ring;
  readonly #listeners: number[] = [];
  /** Those that wait until there are descriptors again. */
  readonly #paused: number[] = [];
  #stopping = false;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  /** Starts to accept from a listening socket. */
  listen(fd: number): void {
    this.#listeners.push(fd);
    this.#accept(fd);
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
      this.#ring.cancel(fd, 0, PURPOSE.none);
      this.#ring.closeDescriptor(fd, 0, PURPOSE.none);
    }
  }

  #accept(fd: number): void {
    this.#ring.accept(fd, fd, PURPOSE.accepted);
  }
}
