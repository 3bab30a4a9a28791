/** Peer groups and their peers. */
import type { Swarms } from "../../../src/admin/swarms.ts";
import { percent, scaled, whole } from "../format.ts";
import { useAnswer } from "../live.ts";
import { Table } from "../table.tsx";

const EVERY_MS = 5000;

/** The section of peer groups. */
export function Groups() {
  const groups = useAnswer<Swarms>("swarms", EVERY_MS)?.groups ?? [];
  const all = groups.reduce((sum, { peers }) => sum + peers, 0);
  return (
    <Table
      label="Peer groups"
      head={["Group", "Tier", "Prefixes", "Peers", "Share", "Announces", "Received", "Sent"]}
      rows={groups.map(({ name, tier, prefixes, firstPrefixes, peers, announces, downloaded, uploaded }) => [
        name ?? "in no group",
        String(tier),
        <span class="wrap">{prefixList(firstPrefixes, prefixes)}</span>,
        whole(peers),
        percent(all === 0 ? null : peers / all),
        whole(announces),
        scaled(downloaded, "B"),
        scaled(uploaded, "B"),
      ])}
    />
  );
}

function prefixList(first: readonly string[], prefixes: number): string {
  const more = prefixes - first.length;
  return more > 0 ? `${first.join(", ")} and ${whole(more)} more` : first.join(", ");
}
