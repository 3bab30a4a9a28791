/** Answers of the JSON interface that are not part of the status. */
import { useEffect, useState } from "preact/hooks";

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
