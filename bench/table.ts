/** Tables of results, for people at a terminal and for Markdown. */
import type { Spread } from "./statistics.ts";

/** A table of results. */
export interface Table {
  readonly title: string;
  /** What was compared, and how; one line each. */
  readonly notes: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** @returns text in aligned columns. */
export function formatText({ title, notes, columns, rows }: Table): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const lines = all.map((row) =>
    row
      .map((cell, column) =>
        isText(rows, column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join("  ")
      .trimEnd(),
  );
  return [title, ...notes.map((note) => `  ${note}`), "", ...lines, ""].join("\n");
}

/** @returns a section of a Markdown document. */
export function formatMarkdown({ title, notes, columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = columns.map((_, column) => (isText(rows, column) ? "---" : "---:"));
  return [
    `## ${title}`,
    "",
    ...notes.map((note) => `- ${note}`),
    "",
    ...[columns, rule, ...rows].map(line),
    "",
  ].join("\n");
}

/** The median, minimum and maximum of all rounds; a dash if a round was too short. */
export function formatSpread({ median, min, max }: Spread, digits: number): string {
  if (![median, min, max].every(Number.isFinite)) return "–";
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** A whole number with thousands separators. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** Whether a column has only numbers. */
function isText(rows: readonly (readonly string[])[], column: number): boolean {
  return rows.some((row) => !/^([\d≤–-]|$)/.test(row[column]));
}
