/** A stacked chart over time, drawn by uPlot. Its content is also in its label, and in a table beside it. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { scaled } from "./format.ts";

/** Heights of the chart and of its letters, in root font sizes. */
const HEIGHT = 11.25;
const LETTERS = 0.75;

/** Minimum time span of a chart, in seconds. */
const LEAST_SECONDS = 60;

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;

/** A layer of a chart. */
export interface Layer {
  readonly label: string;
  readonly values: readonly number[];
  /** A custom property of page.css. */
  readonly color: string;
}

/**
 * @param times seconds since 1970.
 * @param unit of the values.
 * @param stepSeconds duration for which each value holds; 0 for values at a point in time.
 */
export function Chart({
  label,
  times,
  layers,
  unit,
  stepSeconds = 0,
}: {
  label: string;
  times: readonly number[];
  layers: readonly Layer[];
  unit: string;
  stepSeconds?: number;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = layers.map((layer) => layer.label).join();
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = stack(times, layers, stepSeconds);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, layers, unit, stepSeconds > 0), data.current, element);
    };
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT * rootSize() }),
    );
    draw();
    resized.observe(element);
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
    };
  }, [names]);
  useEffect(() => plot.current?.setData(data.current));
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}

function options(
  element: HTMLElement,
  layers: readonly Layer[],
  unit: string,
  inSteps: boolean,
): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name);
  const size = rootSize();
  const font = `${LETTERS * size}px ${style.fontFamily}`;
  const axis = { font, stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 } };
  return {
    width: element.clientWidth,
    height: HEIGHT * size,
    padding: [null, 2.5 * size, null, null],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: timeRange },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] },
    },
    axes: [
      { ...axis, size: 2.5 * size, space: 5.5 * size, values: timeLabels },
      { ...axis, size: 5.25 * size, values: (_, ticks) => ticks.map((tick) => scaled(tick, unit)) },
    ],
    // The highest first, so that each layer is drawn over the layers stacked on it.
    series: [
      {},
      ...layers.toReversed().map((layer) => ({
        label: layer.label,
        width: 0,
        points: { show: false },
        ...(inSteps && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
        fill: color(layer.color),
      })),
    ],
  };
}

/** Root font size in pixels, which is larger on wide screens. */
function rootSize(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** The full range of times, at least {@link LEAST_SECONDS}, so that a single point does not get a range of years. */
function timeRange({ data: [times] }: uPlot): uPlot.Range.MinMax {
  const last = times.at(-1) ?? 0;
  return [Math.min(times[0] ?? 0, last - LEAST_SECONDS), last];
}

/** Labels with a precision that depends on the range. */
function timeLabels(_: uPlot, ticks: number[]): string[] {
  const seconds = (ticks.at(-1) ?? 0) - ticks[0];
  const format = new Intl.DateTimeFormat(
    undefined,
    seconds > 2 * DAY_SECONDS
      ? { month: "short", day: "numeric" }
      : { hour: "numeric", minute: "2-digit", ...(seconds < HOUR_SECONDS / 2 && { second: "2-digit" }) },
  );
  return ticks.map((tick) => format.format(1000 * tick));
}

/** Stacks the layers, the highest first. With steps, the last values are repeated at the end of the last step. */
function stack(times: readonly number[], layers: readonly Layer[], stepSeconds: number): uPlot.AlignedData {
  const sums = times.map(() => 0);
  const isStepped = stepSeconds > 0 && times.length > 0;
  const stacked = layers.map(({ values }) => {
    for (const [i, value] of values.entries()) sums[i] += value;
    return isStepped ? [...sums, sums[sums.length - 1]] : [...sums];
  });
  const ends = isStepped ? [times[times.length - 1] + stepSeconds] : [];
  return [[...times, ...ends], ...stacked.toReversed()];
}
