/** The part of the HTML report about connections that were refused. */
import { table } from "./html-table.ts";
import type { Report } from "./report.ts";
import { percent, whole } from "./text.ts";

/** What was refused, in the reader's words. */
const CONNECTIONS = {
  handshake: "BitTorrent handshakes",
  endpoint: "Connections with clients that need no outside peers",
  far: "Connections to outside peers that no client here needs",
} as const;
const DIRECTIONS = { out: "outgoing", in: "incoming" } as const;

/** What routers and DPI boxes refused, by the gate and by the hash list. Empty if nothing is counted. */
export function formatRefusals({ handshakes, gate }: Report): string {
  const parts = [
    gate === null ? "" : formatGate(gate),
    handshakes === null ? "" : formatHandshakes(handshakes),
  ];
  return parts.some((part) => part !== "") ? `<h2>Refused connections</h2>\n${parts.join("\n")}` : "";
}

function formatHandshakes({ seen, refused }: NonNullable<Report["handshakes"]>): string {
  return `<p>By the hash list, ${whole(refused)} of ${whole(seen)} BitTorrent handshakes with the outside were refused, as their torrents are fully available inside.</p>`;
}

function formatGate({
  torrents,
  endpoints,
  connections,
  refused,
  onlyCounted,
}: NonNullable<Report["gate"]>): string {
  const rows = connections.map(({ reason, direction, seen, refused: some }) => [
    `${CONNECTIONS[reason]}, ${DIRECTIONS[direction]}`,
    whole(seen),
    whole(some),
    percent(seen === 0 ? null : some / seen),
  ]);
  const counted =
    onlyCounted === 0 ? "" : ` Routers that only count would have refused ${whole(onlyCounted)} connections.`;
  return `<p>By the gate, ${whole(refused)} connections with the outside were refused, as their torrents are downloaded inside already. On average ${whole(torrents)} torrents were gated, and ${whole(endpoints)} clients were kept from outside peers.${counted}</p>
<details><summary>By reason and direction</summary><div class="wide">${table(["Connections with the outside", "Seen", "Refused", "Share"], rows)}</div></details>`;
}
