/** Peer groups and their peers. */

import type { Swarms } from "../../../src/admin/swarms.ts";
import { useAnswer } from "../answer.ts";
import { scaled, whole } from "../format.ts";
import { Table } from "../table.tsx";

const EVERY_MS = 5000;

/** The section of peer groups. */
export function Groups() {
  const groups = useAnswer<Swarms>("swarms", EVERY_MS)?.groups ?? [];
  return (
    <Table
      label="Peer groups"
      head={["Group", "Priority", "Prefixes", "Peers", "Announces", "Received", "Sent"]}
      rows={groups.map(
        ({ name, priority, prefixes, firstPrefixes, peers, announces, downloaded, uploaded }) => [
          <span class="wrap">{name ?? "in no group"}</span>,
          priority === null ? "–" : String(priority),
          <span class="wrap">{prefixList(firstPrefixes, prefixes)}</span>,
          whole(peers),
          whole(announces),
          scaled(downloaded, "B"),
          scaled(uploaded, "B"),
        ],
      )}
    />
  );
}

function prefixList(first: readonly string[], prefixes: number): string {
  const more = prefixes - first.length;
  return more > 0 ? `${first.join(", ")} and ${whole(more)} more` : first.join(", ");
}
