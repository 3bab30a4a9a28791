/** Refused requests, and limits that were reached. What is only missing in the estimate of savings is shown there. */
import { scaled, whole } from "../format.ts";
import type { SectionProps } from "../live.ts";
import { Table } from "../table.tsx";

/** The limit of the estimate: announces whose traffic it does not include. */
export const UNCOUNTED_TRAFFIC = "traffic_table";

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
};

/** The section of refused requests and limits. */
export function Refusals({ status }: SectionProps) {
  const { refusals } = status;
  const limits = status.limits.filter(({ limit }) => limit !== UNCOUNTED_TRAFFIC);
  return (
    <>
      {refusals.length + limits.length === 0 && <p>No request was refused, and no limit was reached.</p>}
      {refusals.length > 0 && (
        <Table
          label="Refused requests"
          head={["Why", "Now", "Since the start"]}
          rows={refusals.map(({ reason, text, count, perSecond }) => [
            <span class="wrap">{text}</span>,
            scaled(perSecond, "/s"),
            <span data-figure={`refused-${reason}`}>{whole(count)}</span>,
          ])}
        />
      )}
      {limits.length > 0 && (
        <Table
          label="Limits that were reached"
          head={["Limit", "Since the start"]}
          rows={limits.map(({ limit, count }) => [
            <span class="wrap">{LIMITS[limit] ?? limit}</span>,
            whole(count),
          ])}
        />
      )}
    </>
  );
}
