/** The open connections by number, with the connection limits. */
import { ConnectionLimiter, type ConnectionLimits } from "../connection-limits/connection-limiter.ts";

/** The table of one engine. */
export class ConnectionTable<Connection> {
  readonly limiter: ConnectionLimiter;
  readonly #connections: (Connection | undefined)[] = [];
  /** Free numbers. */
  readonly #free: number[] = [];

  constructor(limits: ConnectionLimits) {
    this.limiter = new ConnectionLimiter(limits, limits.maxConnections);
  }

  /** The connection with a number that {@link ConnectionLimiter.decide} returned. */
  at(number: number): Connection | undefined {
    return this.#connections[number];
  }

  /**
   * Adds an accepted connection, created with the number that it gets. @param remote see {@link ConnectionLimiter.add}.
   */
  add(remote: Uint8Array, isProxy: boolean, make: (number: number) => Connection): Connection {
    const number = this.#free.pop() ?? this.#connections.length;
    this.limiter.add(number, remote, isProxy);
    const connection = make(number);
    this.#connections[number] = connection;
    return connection;
  }

  /** Removes a connection that is closed or about to be. */
  remove(number: number): void {
    this.limiter.remove(number);
    this.#connections[number] = undefined;
    this.#free.push(number);
  }
}
