/** The state of partners' trackers. */
import { percent, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** The section of neighbors. A neighbor whose peers are most of what clients get is named first. */
export function Neighbors({ status: { neighbors } }: SectionProps) {
  if (neighbors.length === 0) return <p>There are none.</p>;
  const main = neighbors.find(({ dominates }) => dominates);
  return (
    <>
      {main !== undefined && (
        <p class="problem">
          {percent(main.returnedShare)} of all peers returned were learned from {main.name}: most of what
          clients get depends on this neighbor.
        </p>
      )}
      <Table
        label="Neighbors"
        head={[
          "Neighbor",
          "State",
          "Torrents asked",
          "Failures",
          "Peers learned",
          "Share of all returned",
          "Latency",
        ]}
        rows={neighbors.map(
          ({ name, state, asked, failed, refused, peers, returnedShare, dominates, latencySeconds }) => [
            <span class="wrap">{name}</span>,
            state,
            whole(asked),
            whole(failed + refused),
            whole(peers.learned),
            <span class={dominates ? "problem" : ""}>{percent(returnedShare)}</span>,
            `${whole(1000 * latencySeconds)} ms`,
          ],
        )}
      />
    </>
  );
}
