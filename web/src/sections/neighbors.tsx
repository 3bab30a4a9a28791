/** The state of partners' trackers. */
import { percent, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** The section of neighbors. */
export function Neighbors({ status }: SectionProps) {
  if (status.neighbors.length === 0) return <p>There are none.</p>;
  return (
    <Table
      label="Neighbors"
      head={[
        "Neighbor",
        "State",
        "Torrents asked",
        "Failures",
        "Peers learned",
        "Of all returned",
        "Latency",
      ]}
      rows={status.neighbors.map((neighbor) => [
        neighbor.name,
        neighbor.state,
        whole(neighbor.asked),
        whole(neighbor.failed + neighbor.refused),
        whole(neighbor.peers.learned),
        percent(neighbor.returnedShare),
        `${whole(1000 * neighbor.latencySeconds)} ms`,
      ])}
    />
  );
}
