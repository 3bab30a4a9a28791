/** The report as comma-separated values (RFC 4180), for a spreadsheet: a line for each month, day and group. */
import type { Report, ReportLine } from "./report.ts";

const COLUMNS = [
  "kind",
  "name",
  "avoided_bytes",
  "avoided_share",
  "external_bytes_in",
  "external_bytes_out",
  "ordinary_bytes_in",
  "ordinary_bytes_out",
  "avoided_peak_mbit_s",
  "external_peak_mbit_s",
  "ordinary_peak_mbit_s",
  "money",
  "currency",
  "gated_torrents",
  "closed_endpoints",
  "connections_refused",
  "connections_only_counted",
  "subscribers_exempted",
] as const;

/** The places of the last columns, with counts of the gate. */
const GATE_COLUMN = COLUMNS.indexOf("gated_torrents");

/** The reported month comes first, as `total`. The share is from 0 to 1. */
export function formatCsv(report: Report): string {
  const billed = ({ peak, money }: Pick<Report["total"], "peak" | "money">) => [
    peak?.avoided,
    peak?.external,
    peak?.ordinary,
    money,
    money === null ? null : report.currency,
  ];
  const { total, groups, days, months, handshakes, gate } = report;
  const rows = [
    withGate(["total", report.month, ...traffic(total), ...billed(total)], gate),
    ...groups.map((each) => ["group", each.group || "other groups", ...traffic(each), ...billed(each)]),
    ...days.map((each) => withGate(["day", each.day, ...traffic(each)], each.gate)),
    ...months.map((each) => ["month", each.month, ...traffic(each)]),
    ...(handshakes === null
      ? []
      : [
          ["handshakes_seen", handshakes.seen],
          ["handshakes_refused", handshakes.refused],
        ]),
    ...(gate?.connections ?? []).flatMap(({ reason, direction, seen, refused }) => [
      [`gate_${reason}_${direction}_seen`, seen],
      [`gate_${reason}_${direction}_refused`, refused],
    ]),
  ];
  return [COLUMNS, ...rows].map((row) => `${padded(row).map(formatField).join(",")}\r\n`).join("");
}

type Field = string | number | null | undefined;

function traffic({ avoidedBytes, avoidedShare, external, ordinary }: ReportLine): Field[] {
  return [
    avoidedBytes,
    avoidedShare,
    external.downloaded,
    external.uploaded,
    ordinary.downloaded,
    ordinary.uploaded,
  ];
}

/** Adds the columns of the gate, unless it was off. */
function withGate(row: readonly Field[], gate: Report["gate"]): Field[] {
  if (gate === null) return [...row];
  const { torrents, endpoints, refused, onlyCounted, exempted } = gate;
  return [...padded(row).slice(0, GATE_COLUMN), torrents, endpoints, refused, onlyCounted, exempted];
}

function padded(row: readonly Field[]): Field[] {
  return [...row, ...Array<Field>(COLUMNS.length - row.length).fill(null)];
}

/** A field that a spreadsheet would take for a formula gets an apostrophe. */
function formatField(field: Field): string {
  if (typeof field === "number") return String(Number(field.toPrecision(15)));
  const text = (field ?? "").replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
