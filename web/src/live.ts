/** The tracker's current status, and its history of the last minutes. */
import { useEffect, useState } from "preact/hooks";
import type { Status } from "../../src/admin/status.ts";
import type { Savings } from "./savings.ts";

export type { Status };

/** Statuses kept for charts: ten minutes, one per second. */
const KEPT = 600;

/** Delay of the next attempt in milliseconds, after the tracker or a proxy has refused, or during a silence. */
const AGAIN_MS = 5000;

/** The tracker sends a status every second. After two missing ones the page says so. */
const SILENCE_MS = 2000;
const CHECK_MS = 250;

/** The status as received so far. */
export interface Live {
  readonly status: Status | undefined;
  /** The last minutes, latest last. */
  readonly past: readonly Status[];
  /** Why no status arrives, or undefined. */
  readonly problem: string | undefined;
  /** When the last status arrived. */
  readonly heardAt: Date | undefined;
}

/** Properties of a section. */
export interface SectionProps {
  readonly live: Live;
  readonly status: Status;
  readonly savings: Savings;
}

/** Subscribes to the status. A silence of the tracker is a problem as well, even if the connection is open. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({
    status: undefined,
    past: [],
    problem: undefined,
    heardAt: undefined,
  });
  useEffect(() => {
    const feed = new StatusFeed({
      status: (status) =>
        setLive(({ past }) => ({
          status,
          past: [...past.slice(1 - KEPT), status],
          problem: undefined,
          heardAt: new Date(),
        })),
      problem: (problem) =>
        setLive((before) => (before.problem === problem ? before : { ...before, problem })),
    });
    return () => feed.close();
  }, []);
  return live;
}

/** What a feed reports. */
interface FeedObserver {
  status(status: Status): void;
  problem(problem: string): void;
}

/** The server-sent events of the tracker, on one connection at a time. */
class StatusFeed {
  readonly #observer: FeedObserver;
  readonly #timer: ReturnType<typeof setInterval>;
  #events = this.#open();
  #heardMs = performance.now();
  #openedMs = performance.now();

  constructor(observer: FeedObserver) {
    this.#observer = observer;
    this.#timer = setInterval(() => this.#check(), CHECK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#events.close();
  }

  #open(): EventSource {
    const events = new EventSource("/api/v1/events");
    events.addEventListener("status", (event) => {
      this.#heardMs = performance.now();
      this.#observer.status(JSON.parse(event.data));
    });
    events.addEventListener("error", () =>
      this.#observer.problem("The tracker does not reply. Trying again."),
    );
    return events;
  }

  #check(): void {
    const now = performance.now();
    if (now - this.#heardMs < SILENCE_MS) return;
    if (this.#events.readyState === EventSource.OPEN)
      this.#observer.problem("The tracker has stopped sending figures. Those below are old.");
    // After an error such as 502 or 503 the browser does not reconnect. A dead connection may never report an error.
    if (now - Math.max(this.#heardMs, this.#openedMs) < AGAIN_MS) return;
    this.#events.close();
    this.#events = this.#open();
    this.#openedMs = now;
  }
}
