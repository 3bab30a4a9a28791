/** Bar charts as SVG, without a script. */
import { escapeHtml, scaled } from "./text.ts";

const WIDTH = 720;
const HEIGHT = 150;
const LEFT = 62;
const BOTTOM = 20;
const TOP = 8;
const GRID_LINES = 4;

/** A bar: external traffic below, avoided traffic on top. */
export interface StackedBar {
  readonly label: string;
  /** Whether the axis shows its label. */
  readonly isLabelled: boolean;
  readonly external: number;
  readonly avoided: number;
}

/** @param title says what the chart shows, also to those who do not see it. */
export function barChart(title: string, bars: readonly StackedBar[]): string {
  const most = Math.max(1, ...bars.map(({ external, avoided }) => external + Math.max(0, avoided)));
  const step = niceStep(most / GRID_LINES);
  const top = step * Math.ceil(most / step);
  const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top);
  const slot = (WIDTH - LEFT) / Math.max(1, bars.length);
  const grid = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => {
    const at = y(i * step).toFixed(1);
    return (
      `<line class="grid" x1="${LEFT}" x2="${WIDTH}" y1="${at}" y2="${at}"/>` +
      `<text class="axis" x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${scaled(i * step, "B")}</text>`
    );
  });
  const shapes = bars.map(({ label, isLabelled, external, avoided }, i) => {
    const x = LEFT + i * slot + slot * 0.12;
    const bar = (name: string, from: number, to: number) =>
      `<rect class="${name}" x="${x.toFixed(1)}" width="${(slot * 0.76).toFixed(1)}" y="${y(to).toFixed(1)}" ` +
      `height="${Math.max(0, y(from) - y(to)).toFixed(1)}"/>`;
    const tip = `${label}: ${scaled(avoided, "B")} avoided, ${scaled(external, "B")} not avoided`;
    const name = isLabelled
      ? `<text class="axis" x="${(x + slot * 0.38).toFixed(1)}" y="${HEIGHT - 4}" text-anchor="middle">${escapeHtml(label)}</text>`
      : "";
    const parts = bar("external", 0, external) + bar("avoided", external, external + Math.max(0, avoided));
    return `<g><title>${escapeHtml(tip)}</title>${parts}${name}</g>`;
  });
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">` +
    `${grid.join("")}${shapes.join("")}</svg>`
  );
}

/** The next larger of 1, 2 and 5 times a power of ten. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((factor) => factor * power >= step) ?? 10);
}
