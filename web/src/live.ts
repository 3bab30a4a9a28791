/** The tracker's current status, and its history of the last minutes. */
import { useEffect, useState } from "preact/hooks";
import type { Status } from "../../src/admin/status.ts";

export type { Status };

/** Statuses kept for charts: ten minutes, one per second. */
const KEPT = 600;

/** Delay of the next attempt in milliseconds, after the tracker or a proxy has refused. */
const AGAIN_MS = 5000;

/** The status as received so far. */
export interface Live {
  readonly status: Status | undefined;
  /** The last minutes, latest last. */
  readonly past: readonly Status[];
  /** Why no status arrives, or undefined. */
  readonly problem: string | undefined;
}

/** Properties of a section. */
export interface SectionProps {
  readonly live: Live;
  readonly status: Status;
}

/** Subscribes to the status. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({ status: undefined, past: [], problem: undefined });
  useEffect(() => {
    let events: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = () => {
      events = new EventSource("/api/v1/events");
      events.addEventListener("status", (event) => {
        const status: Status = JSON.parse(event.data);
        setLive(({ past }) => ({ status, past: [...past.slice(1 - KEPT), status], problem: undefined }));
      });
      events.addEventListener("error", () => {
        setLive((before) => ({ ...before, problem: "The tracker does not reply. Trying again." }));
        // After an error such as 502 or 503 the browser does not reconnect.
        if (events.readyState === EventSource.CLOSED) timer = setTimeout(follow, AGAIN_MS);
      });
    };
    follow();
    return () => {
      clearTimeout(timer);
      events.close();
    };
  }, []);
  return live;
}

/** Polls an answer that is not part of the status; undefined until the first one. */
export function useAnswer<Answer>(path: string, everyMs: number): Answer | undefined {
  const [answer, setAnswer] = useState<Answer>();
  useEffect(() => {
    const ask = async () => {
      const response = await fetch(`/api/v1/${path}`).catch(() => undefined);
      if (response?.ok) setAnswer(await response.json());
    };
    void ask();
    const timer = setInterval(ask, everyMs);
    return () => clearInterval(timer);
  }, [path, everyMs]);
  return answer;
}
