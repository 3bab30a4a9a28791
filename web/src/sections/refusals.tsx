/** Refused requests, and limits that were reached. */
import { scaled, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** Descriptions of the limits, by their names in metrics. */
const LIMITS: Readonly<Record<string, string>> = {
  max_peers: "new peers not stored: tracker.max_peers",
  max_peers_per_address: "new peers not stored: max_peers_per_address",
  peers_displaced: "peers removed to make room for others",
  max_connections: "connections refused: listen.max_connections",
  max_connections_per_address: "connections refused: listen.max_connections_per_address",
  idle_connections: "idle connections closed to make room for new ones",
  open_files: "attempts to accept connections without a file descriptor left",
  request_timeout: "connections closed because of a timeout",
  datagram_replies: "datagrams dropped, as the system had no room for replies",
  max_waiting: "announces that were answered at once instead of waiting: listen.max_waiting",
  traffic_table: "announces whose traffic is missing in the estimate, for lack of memory",
};

/** The section of refused requests and limits. */
export function Refusals({ status: { refusals, limits } }: SectionProps) {
  if (refusals.length + limits.length === 0) return <p>Nothing.</p>;
  return (
    <Table
      label="Refused, and limits hit"
      head={["Why", "Now", "Since the start"]}
      rows={[
        ...refusals.map(({ reason, text, count, perSecond }) => [
          <span class="wrap">{text}</span>,
          scaled(perSecond, "/s"),
          <span data-figure={`refused-${reason}`}>{whole(count)}</span>,
        ]),
        ...limits.map(({ limit, count }) => [
          <span class="wrap">{LIMITS[limit] ?? limit}</span>,
          "",
          whole(count),
        ]),
      ]}
    />
  );
}
