/** Round-robin queue of connections that have sent more than is served in a row. */

/** A connection in the queue. */
export interface Queued {
  /** Serves a bounded number of requests, and adds itself again if there are more. */
  takeTurn(): void;
}

/** How long queued connections are served before the event loop reads other sockets, in milliseconds. */
const SLICE_MS = 0.5;

/** The queue of one engine, in order of turns. */
export class TurnQueue {
  readonly #connections = new Set<Queued>();
  readonly #run = () => this.#serve();
  #scheduled = false;

  add(connection: Queued): void {
    this.#connections.add(connection);
    this.#schedule();
  }

  remove(connection: Queued): void {
    this.#connections.delete(connection);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  #serve(): void {
    this.#scheduled = false;
    const ends = performance.now() + SLICE_MS;
    // Connections with more to serve are added again, at the end.
    for (const connection of this.#connections) {
      this.#connections.delete(connection);
      connection.takeTurn();
      if (performance.now() >= ends) break;
    }
    if (this.#connections.size > 0) this.#schedule();
  }
}
