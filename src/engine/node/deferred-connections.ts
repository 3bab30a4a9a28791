/** Interval of the checks for expired deferrals, in milliseconds. */
const CHECK_MS = 50;

/** A connection whose request is served again at its deadline. */
interface Deferred {
  checkDeadline(now: number): void;
}

/** Connections with a deferred request, by token. Their deadlines are checked often, and only while there are any. */
export class DeferredConnections<Connection extends Deferred> {
  readonly #byToken = new Map<number, Connection>();
  #timer: NodeJS.Timeout | undefined;

  /** The number of deferred requests. */
  get size(): number {
    return this.#byToken.size;
  }

  /** The connection whose request was deferred with this token, if it still is. */
  get(token: number): Connection | undefined {
    return this.#byToken.get(token);
  }

  add(token: number, connection: Connection): void {
    this.#byToken.set(token, connection);
    this.#timer ??= setInterval(() => this.#check(), CHECK_MS).unref();
  }

  delete(token: number): void {
    this.#byToken.delete(token);
  }

  #check(): void {
    const now = performance.now();
    for (const connection of this.#byToken.values()) connection.checkDeadline(now);
    if (this.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
