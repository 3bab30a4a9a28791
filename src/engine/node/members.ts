/** The open connections by their numbers in the crowd. */
import { Crowd, type CrowdLimits } from "../crowd/crowd.ts";

/** Those of one engine. */
export class Members<Connection> {
  readonly crowd: Crowd;
  readonly #connections: (Connection | undefined)[] = [];
  /** Numbers that are free again. */
  readonly #free: number[] = [];

  constructor(limits: CrowdLimits) {
    this.crowd = new Crowd(limits, limits.maxConnections);
  }

  /** The connection with a number that {@link Crowd.judge} gave. */
  at(number: number): Connection | undefined {
    return this.#connections[number];
  }

  /** Lets a connection in, made with the number that it gets. @param remote see {@link Crowd.add}. */
  add(remote: Uint8Array, isProxy: boolean, make: (number: number) => Connection): Connection {
    const number = this.#free.pop() ?? this.#connections.length;
    this.crowd.add(number, remote, isProxy);
    const connection = make(number);
    this.#connections[number] = connection;
    return connection;
  }

  /** A connection is over, or about to be. */
  remove(number: number): void {
    this.crowd.remove(number);
    this.#connections[number] = undefined;
    this.#free.push(number);
  }
}
