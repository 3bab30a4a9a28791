/** The status as server-sent events (HTML, 9.2), once a second, for the page. All watchers share one reading. */
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";

const EVERY_MS = 1000;

/** The maximum number of watchers; more are refused. */
const WATCHERS_LIMIT = 20;

/** Sends the status to all watchers. */
export class Events {
  readonly #read: () => unknown;
  readonly #stop = new AbortController();
  #watchers = 0;
  /** The next status, while a watcher waits for it. */
  #next: Promise<string> | undefined;

  /** @param read returns the status. */
  constructor(read: () => unknown) {
    this.#read = read;
  }

  /** Answers a request for events. */
  answer(context: Context): Response {
    // A HEAD request has no body.
    if (context.req.method === "HEAD")
      return context.body(null, 200, { "Content-Type": "text/event-stream" });
    if (this.#watchers >= WATCHERS_LIMIT) return context.json({ error: "too many watchers" }, 503);
    this.#watchers++;
    return streamSSE(context, async (stream) => {
      const { signal } = this.#stop;
      stream.onAbort(() => {});
      try {
        for (let data = this.#state(); !stream.aborted && !signal.aborted; data = await this.#nextState())
          await stream.writeSSE({ event: "status", data });
      } finally {
        this.#watchers--;
      }
    });
  }

  #state(): string {
    return JSON.stringify(this.#read());
  }

  #nextState(): Promise<string> {
    const { signal } = this.#stop;
    this.#next ??= delay(EVERY_MS, undefined, { signal })
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#state();
      });
    return this.#next;
  }

  /** Ends all streams. */
  stop(): void {
    this.#stop.abort();
  }
}
