/** Connections that have sent more than is served in a row: they take turns, beside what comes from others. */

/** What takes turns. */
export interface Queued {
  /** Goes on for a while. If it is not done then, it adds itself again. */
  takeTurn(): void;
}

/** So long they are served before the event loop looks for what others have sent, in milliseconds. */
const SLICE_MS = 0.5;

/** Those of one engine, in the order of their turns. */
export class Backlog {
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
    // Those that are not done are added again, and come last.
    for (const connection of this.#connections) {
      this.#connections.delete(connection);
      connection.takeTurn();
      if (performance.now() >= ends) break;
    }
    if (this.#connections.size > 0) this.#schedule();
  }
}
