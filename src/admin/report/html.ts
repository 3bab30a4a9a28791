/** The report as one HTML file that needs nothing else, and prints to a page. */
import { barChart } from "./bar-chart.ts";
import { table } from "./html-table.ts";
import { formatRefusals } from "./refusals.ts";
import type { Report, ReportLine } from "./report.ts";
import { escapeHtml, megabits, money, monthName, percent, scaled, utc } from "./text.ts";

/** Groups with a row of their own, so that the report stays on a page. CSV and JSON have more. */
const ROWS_LIMIT = 8;
/** Every so many days have a label. */
const LABELLED_DAYS = 5;

const STYLE = `
:root { color-scheme: light; }
body { font: 10.5pt/1.4 system-ui, sans-serif; color: #1c2127; background: #fff; max-width: 48rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 16pt; margin: 0; } h2 { font-size: 11.5pt; margin: 1.1rem 0 0.3rem; }
p { margin: 0.3rem 0; } .quiet, small { color: #56606b; }
.figures { display: flex; flex-wrap: wrap; gap: 0.5rem 2rem; margin: 0.8rem 0; }
.figures div { display: flex; flex-direction: column-reverse; } dt { color: #56606b; } dd { margin: 0; font-size: 17pt; font-weight: 650; }
dl { margin: 0; } svg { width: 100%; height: auto; }
.axis { font-size: 10px; fill: #56606b; } .grid { stroke: #d9dee4; } .external { fill: #d9772b; } .avoided { fill: #0f7b5f; }
.patch { display: inline-block; width: 0.7em; height: 0.7em; margin: 0 0.3em 0 1em; border-radius: 0.15em; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.patch.external { background: #d9772b; } .patch.avoided { background: #0f7b5f; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.15rem 0 0.15rem 0.6rem; border-bottom: 1px solid #d9dee4; font-weight: 400; }
th:first-child { text-align: left; padding-left: 0; overflow-wrap: anywhere; } thead th { color: #56606b; vertical-align: bottom; }
ul { margin: 0.3rem 0; padding-left: 1.2rem; font-size: 8.5pt; color: #56606b; }
@page { size: A4; margin: 14mm; }
@media print { body { margin: 0; padding: 0; max-width: none; font-size: 9.5pt; } details:not([open]) { display: none; } svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
`;

/** Formats a report for people. */
export function formatHtml(report: Report): string {
  const title = `External traffic avoided in ${monthName(report.month)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – ${escapeHtml(report.hostName)}</title><style>${STYLE}</style></head><body>
<h1>${title}</h1>
<p class="quiet">${escapeHtml(report.hostName)}, BTRT ${escapeHtml(report.version)}. ${describeTime(report)}</p>
${report.from === null ? "<p>There is no data of this month.</p>" : formatFigures(report)}
${formatMonths(report)}
<h2>What the figures are</h2>
<ul>${report.assumptions.map((assumption) => `<li>${escapeHtml(assumption)}</li>`).join("")}</ul>
</body></html>
`;
}

function describeTime({ from, to, isComplete, madeAt }: Report): string {
  if (from === null) return `Made ${utc(madeAt)} UTC.`;
  const time = `Data from ${utc(from)} to ${utc(to)} UTC`;
  return isComplete ? `${time}.` : `<strong>Part of the month:</strong> ${time}.`;
}

function formatFigures(report: Report): string {
  const { total, groups, days, currency, pricePerMbit } = report;
  const bars = days.map(({ day, external, avoidedBytes }) => ({
    label: day.slice(8),
    isLabelled: (Number(day.slice(8)) - 1) % LABELLED_DAYS === 0,
    external: external.downloaded + external.uploaded,
    avoided: avoidedBytes,
  }));
  return `<dl class="figures">
${figure(scaled(total.avoidedBytes, "B"), `avoided, ${percent(total.avoidedShare)}`)}
${total.peak === null ? "" : figure(megabits(total.peak.avoided), "less at the peak")}
${total.money === null ? "" : figure(money(total.money, currency), "saved")}
</dl>
<p>${sentence(total)}</p>
${total.peak === null ? '<p class="quiet">There is no peak: the totals of five minutes are only stored for two months.</p>' : ""}
${pricePerMbit === null ? "" : `<p>Money: the avoided peak at ${money(pricePerMbit, currency)} for a Mbit/s and month.</p>`}
<h2>By day <span class="patch avoided"></span><small>avoided</small><span class="patch external"></span><small>not avoided</small></h2>
${barChart("External traffic avoided and not avoided, by day", bars)}
<details><summary>Figures by day</summary><div class="wide">${lineTable(
    "Day",
    days.map((line) => [line.day, line]),
  )}</div></details>
<h2>By peer group</h2>
<div class="wide">${groupTable(groups, report)}</div>
${formatRefusals(report)}`;
}

function sentence({ external, ordinary, avoidedBytes, peak }: Report["total"]): string {
  const bytes = ({ downloaded, uploaded }: ReportLine["external"]) =>
    `${scaled(downloaded + uploaded, "B")} (${scaled(downloaded, "B")} in, ${scaled(uploaded, "B")} out)`;
  const rates =
    peak === null ? "" : ` At the peak, ${megabits(peak.external)} instead of ${megabits(peak.ordinary)}.`;
  return `Clients in peer groups exchanged ${bytes(external)} with the outside. With an ordinary tracker it would have been ${bytes(ordinary)}, ${scaled(Math.abs(avoidedBytes), "B")} ${avoidedBytes < 0 ? "less" : "more"}.${rates}`;
}

function figure(value: string, label: string): string {
  return `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`;
}

function groupTable(groups: Report["groups"], { currency, pricePerMbit }: Report): string {
  const heads = ["Group", "Avoided", "Share", "Not avoided", "Avoided at the peak"];
  const shown = groups
    .slice(0, ROWS_LIMIT)
    .map(({ group, peak, money: saved, ...line }) => [
      group || "other groups",
      ...cells(line),
      peak === null ? "–" : megabits(peak.avoided),
      ...(pricePerMbit === null ? [] : [saved === null ? "–" : money(saved, currency)]),
    ]);
  const more = groups.length - ROWS_LIMIT;
  const note =
    more > 0 ? `<p class="quiet">${more} smaller groups are in the CSV and JSON of this report.</p>` : "";
  return table(pricePerMbit === null ? heads : [...heads, "Saved"], shown) + note;
}

function formatMonths({ months }: Report): string {
  if (months.length < 2) return "";
  const bars = months.map(({ month, external, avoidedBytes }) => ({
    label: month,
    isLabelled: true,
    external: external.downloaded + external.uploaded,
    avoided: avoidedBytes,
  }));
  return `<h2>By month</h2>
${barChart("External traffic avoided and not avoided, by month", bars)}
<details><summary>Figures by month</summary><div class="wide">${lineTable(
    "Month",
    months.map((line) => [line.month, line]),
  )}</div></details>`;
}

function lineTable(name: string, lines: readonly (readonly [string, ReportLine])[]): string {
  return table(
    [name, "Avoided", "Share", "Not avoided"],
    lines.map(([label, line]) => [label, ...cells(line)]),
  );
}

function cells({ avoidedBytes, avoidedShare, external }: ReportLine): string[] {
  return [
    scaled(avoidedBytes, "B"),
    percent(avoidedShare),
    scaled(external.downloaded + external.uploaded, "B"),
  ];
}
