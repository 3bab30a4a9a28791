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
] as const;

/** The reported month comes first, as `total`. The share is from 0 to 1. */
export function formatCsv(report: Report): string {
  const billed = ({ peak, money }: Pick<Report["total"], "peak" | "money">) => [
    peak?.avoided,
    peak?.external,
    peak?.ordinary,
    money,
    money === null ? null : report.currency,
  ];
  const { total, groups, days, months, handshakes } = report;
  const rows = [
    ["total", report.month, ...traffic(total), ...billed(total)],
    ...groups.map((each) => ["group", each.group || "other groups", ...traffic(each), ...billed(each)]),
    ...days.map((each) => ["day", each.day, ...traffic(each)]),
    ...months.map((each) => ["month", each.month, ...traffic(each)]),
    ...(handshakes === null
      ? []
      : [
          ["handshakes_seen", handshakes.seen],
          ["handshakes_refused", handshakes.refused],
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

function padded(row: readonly Field[]): Field[] {
  return [...row, ...Array<Field>(COLUMNS.length - row.length).fill(null)];
}

/** A field that a spreadsheet would take for a formula gets an apostrophe. */
function formatField(field: Field): string {
  if (typeof field === "number") return String(Number(field.toPrecision(15)));
  const text = (field ?? "").replace(/^[=+\-@\t\r]/, "'$&");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
