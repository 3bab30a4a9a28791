/** An object whose changes a test waits for, instead of sleeping. */
export class Watched {
  readonly #waiting = new Set<() => void>();

  /** Resolves when `condition` holds; it is checked now and after every change. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (!condition()) return;
      this.#waiting.delete(look);
      resolve();
    };
    this.#waiting.add(look);
    return promise;
  }

  /** Called by subclasses after a change. */
  protected changed(): void {
    for (const look of this.#waiting) look();
  }
}
