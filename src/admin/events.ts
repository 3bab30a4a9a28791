/** The state as server-sent events (HTML, 9.2), once a second, for the page and `btrt status --watch`. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";

const EVERY_MS = 1000;

/** More than this look at a time: refused. */
const WATCHERS_LIMIT = 20;

/** Sends the state to who watches. */
export class Events {
  readonly #read: () => unknown;
  readonly #stop = new AbortController();
  #watchers = 0;

  /** @param read gives what is sent. */
  constructor(read: () => unknown) {
    this.#read = read;
  }

  /** Answers a request for events. */
  answer(context: Context): Response {
    if (this.#watchers >= WATCHERS_LIMIT) return context.json({ error: "too many watch already" }, 503);
    this.#watchers++;
    return streamSSE(context, async (stream) => {
      const { signal } = this.#stop;
      stream.onAbort(() => {});
      try {
        while (!stream.aborted && !signal.aborted) {
          await stream.writeSSE({ event: "status", data: JSON.stringify(this.#read()) });
          await stream.sleep(EVERY_MS);
        }
      } finally {
        this.#watchers--;
      }
    });
  }

  /** Ends all. */
  stop(): void {
    this.#stop.abort();
  }
}
