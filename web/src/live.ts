/** The tracker's state as it comes in, and what it was in the last minutes. */
import { useEffect, useState } from "preact/hooks";
import type { Status } from "../../src/admin/status.ts";

export type { Status };

/** States that are kept for charts: ten minutes, one a second. */
const KEPT = 600;

/** After so long it is tried again where the tracker, or a proxy before it, refuses. */
const AGAIN_MS = 5000;

/** What is known. */
export interface Live {
  readonly status: Status | undefined;
  /** The last minutes, the latest last. */
  readonly past: readonly Status[];
  /** Why nothing comes in, or undefined. */
  readonly problem: string | undefined;
}

/** What a section is given. */
export interface SectionProps {
  readonly live: Live;
  readonly status: Status;
}

/** Follows the state. */
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
        setLive((before) => ({ ...before, problem: "The tracker does not answer; trying again." }));
        // After an error such as 502 or 503 the browser does not try again by itself.
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

/** Asks again and again for what does not come in by itself; undefined until it has come. */
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
