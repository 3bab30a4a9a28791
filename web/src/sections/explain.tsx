/** The reply that an address would get now, and why. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { AnswerExplanation } from "../../../src/admin/explain.ts";
import { Table } from "../table.tsx";

const INFO_HASH = /^#[0-9a-f]{40}$/;

/** A form with its result. A link to `#` and an info-hash fills in the form. */
export function Explain() {
  const [answer, setAnswer] = useState<AnswerExplanation>();
  const [problem, setProblem] = useState("");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    const fill = () => {
      const infoHash = form.current?.elements.namedItem("info_hash");
      const address = form.current?.elements.namedItem("address");
      // The page's other links lead to its sections.
      if (!INFO_HASH.test(location.hash) || !(infoHash instanceof HTMLInputElement)) return;
      infoHash.value = location.hash.slice(1);
      if (address instanceof HTMLInputElement) address.focus();
    };
    fill();
    addEventListener("hashchange", fill);
    return () => removeEventListener("hashchange", fill);
  }, []);
  const ask = async (event: SubmitEvent) => {
    event.preventDefault();
    const query = new URLSearchParams(
      [...new FormData(event.currentTarget as HTMLFormElement)].map(([name, value]) => [
        name,
        String(value).trim(),
      ]),
    );
    const response = await fetch(`/api/v1/explain?${query}`).catch(() => undefined);
    const body = await response?.json().catch(() => undefined);
    setAnswer(response?.ok ? body : undefined);
    setProblem(response?.ok ? "" : (body?.error ?? "The tracker does not reply."));
  };
  return (
    <>
      <form onSubmit={ask} ref={form}>
        <label>
          Info-hash
          <input name="info_hash" required maxLength={40} spellcheck={false} autocomplete="off" />
        </label>
        <label>
          Address
          <input name="address" required maxLength={45} spellcheck={false} autocomplete="off" />
        </label>
        <button type="submit">Explain</button>
      </form>
      <div aria-live="polite">
        {problem !== "" && <p class="problem">{problem}</p>}
        {answer !== undefined && <Answer answer={answer} />}
      </div>
    </>
  );
}

function Answer({ answer }: { answer: AnswerExplanation }) {
  return (
    <>
      <p>
        {answer.address}, {whose(answer.group, answer.prefix)}, gets {answer.peers.length} peers:
      </p>
      <Table
        label="The reply"
        head={["Peer", "Group"]}
        rows={answer.peers.map(({ address, port, group, prefix }) => [
          `${address} port ${port}`,
          <span class="wrap">{whose(group, prefix)}</span>,
        ])}
      />
      <Table
        label="All peers, and why they are returned or not"
        head={["Peers", "Group", "Why"]}
        rows={answer.runs.map(({ peers, family, group, complete, reason }) => [
          `${peers} ${family}, ${complete ? "complete" : "incomplete"}`,
          <span class="wrap">{group ?? "in no group"}</span>,
          <span class="wrap">{reason}</span>,
        ])}
      />
    </>
  );
}

function whose(group: string | null, prefix: string | null): string {
  return group === null ? "in no group" : `${group} (${prefix})`;
}
