/** The lab's diagram: copies that entered a home, and time to completion, relative to opentracker. */
import type { RunResult } from "./run.ts";
import { type Summary, summarize } from "./summary.ts";
import { TRACKERS, type TrackerName } from "./trackers.ts";

const COLOURS: Record<TrackerName, string> = {
  opentracker: "#9aa5b1",
  nearest: "#e0a33e",
  bridged: "#6cb0e8",
  "bridged-gate": "#2f6fb0",
  "bridged-cluster": "#7bb587",
};
const BAR = 11;
const GAP = 14;
const TOP = 64;
const LABELS = 150;
const PANEL = 330;
const BETWEEN = 30;
/** Values beyond this multiple of opentracker's are cut off. */
const MOST = 1.6;

/** One of the two panels. */
interface Panel {
  readonly title: string;
  readonly left: number;
  /** The length of the bar, with the digits of its unit; null for none. */
  readonly bar: (summary: Summary) => number | null;
  /** An additional mark. */
  readonly mark: (summary: Summary) => number | null;
  readonly digits: number;
}

const PANELS: readonly Panel[] = [
  {
    title: "copies of the file that entered a home, × opentracker's",
    left: LABELS,
    bar: ({ copiesIn }) => copiesIn?.median ?? null,
    mark: () => null,
    digits: 2,
  },
  {
    title: "seconds until complete: median (bar), slowest (line)",
    left: LABELS + PANEL + BETWEEN,
    bar: ({ median }) => median.median,
    mark: ({ slowest }) => slowest.median,
    digits: 1,
  },
];

/** @returns an SVG image: one group of bars for each scenario, in the order given. */
export function plot(scenarios: readonly string[], runs: readonly RunResult[]): string {
  const groups = scenarios
    .map((name) => ({ name, summaries: summarize(runs.filter(({ scenario }) => scenario === name)) }))
    .filter(({ summaries }) => summaries.some(({ tracker }) => tracker === TRACKERS[0]));
  const parts: string[] = [];
  let y = TOP;
  for (const { name, summaries } of groups) {
    const height = summaries.length * BAR;
    parts.push(text(LABELS - 8, y + height / 2 + 4, name, "end"));
    for (const panel of PANELS) parts.push(...bars(panel, summaries, y));
    y += height + GAP;
  }
  const [width, height] = [LABELS + 2 * PANEL + BETWEEN + 20, y];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="11">
<rect width="${width}" height="${height}" fill="#ffffff"/>
${legend().join("\n")}
${PANELS.flatMap((panel) => frame(panel, height)).join("\n")}
${parts.join("\n")}
</svg>
`;
}

function bars({ left, bar, mark, digits }: Panel, summaries: readonly Summary[], top: number): string[] {
  const baseline = summaries.find(({ tracker }) => tracker === TRACKERS[0]);
  const whole = baseline === undefined ? null : bar(baseline);
  if (whole === null || whole === 0) return [];
  const length = (value: number) => Math.min(value / whole, MOST) * (PANEL / MOST);
  return summaries.flatMap((summary, i) => {
    const value = bar(summary);
    if (value === null) return [];
    const y = top + i * BAR;
    const marked = mark(summary);
    const end = left + length(value);
    const parts = [
      `<rect x="${left}" y="${y}" width="${length(value).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[summary.tracker]}"/>`,
      text(
        Math.max(left + 3, end - 4),
        y + BAR - 3,
        value.toFixed(digits),
        value < whole / 4 ? "start" : "end",
      ),
    ];
    if (marked !== null) {
      const x = (left + length(marked)).toFixed(1);
      parts.push(
        `<path d="M${end.toFixed(1)} ${y + BAR / 2 - 1}H${x}m0 -3v6" stroke="${COLOURS[summary.tracker]}" fill="none"/>`,
      );
    }
    return parts;
  });
}

/** A panel's title, and lines at zero, half and all of opentracker's value. */
function frame({ title, left }: Panel, height: number): string[] {
  const lines = [0, 0.5, 1].map((share) => {
    const x = left + share * (PANEL / MOST);
    return `<path d="M${x} ${TOP - 8}V${height - GAP / 2}" stroke="#cccccc"/>${text(x, TOP - 12, `${share}×`, "middle")}`;
  });
  return [text(left, TOP - 28, title, "start"), ...lines];
}

function legend(): string[] {
  return TRACKERS.map((tracker, i) => {
    const x = LABELS + i * 110;
    return `<rect x="${x}" y="8" width="10" height="10" fill="${COLOURS[tracker]}"/>${text(x + 15, 17, tracker, "start")}`;
  });
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#111111">${content}</text>`;
}
