/** What was refused, and why. */
import { scaled, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

const REASONS: Readonly<Record<string, string>> = {
  refused: "a mistake of the client's, which it was told",
  malformed: "nothing that is served",
  unconnected: "no good connection id",
};

/** Requests that were not answered with what they asked for. */
export function Refusals({ status }: SectionProps) {
  const refused = status.requests.filter(({ outcome }) => outcome !== "answered");
  if (refused.length === 0) return <p>Nothing.</p>;
  return (
    <Table
      label="Requests refused"
      head={["Request", "Why", "Now", "Since the start"]}
      rows={refused.map(({ protocol, kind, family, outcome, count, perSecond }) => [
        `${protocol} ${kind}, ${family}`,
        REASONS[outcome] ?? outcome,
        scaled(perSecond, "/s"),
        whole(count),
      ])}
    />
  );
}
