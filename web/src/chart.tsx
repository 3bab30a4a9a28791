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

/** A span of time in which a value holds, in seconds since 1970. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/**
 * @param times seconds since 1970, or spans of time, between which the values are 0.
 * @param until where the chart ends, unless at the last of the times.
 * @param unit of the values.
 */
export function Chart({
  label,
  times,
  until = 0,
  layers,
  unit,
}: {
  label: string;
  times: readonly number[] | readonly TimeSpan[];
  until?: number;
  layers: readonly Layer[];
  unit: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = layers.map((layer) => layer.label).join();
  const data = useRef<uPlot.AlignedData>([[]]);
  const inSteps = typeof times[0] === "object";
  data.current = stack(placesOf(times, until), layers);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, layers, unit, inSteps), data.current, element);
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
  }, [names, inSteps]);
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
      : {
          hourCycle: "h23",
          hour: "2-digit",
          minute: "2-digit",
          ...(seconds < HOUR_SECONDS / 2 && { second: "2-digit" }),
        },
  );
  return ticks.map((tick) => format.format(1000 * tick));
}

/** A time of the chart, and the index of its values; undefined: they are 0 from there on. */
interface Place {
  readonly time: number;
  readonly at: number | undefined;
}

/** A span ends where the next one starts, or with zeros up to there. */
function placesOf(times: readonly (number | TimeSpan)[], until: number): Place[] {
  return times.flatMap((time, at) => {
    if (typeof time === "number") return [{ time, at }];
    const next = times[at + 1];
    const start = { time: time.from, at };
    if (typeof next === "object" && next.from <= time.to) return [start];
    const end = { time: time.to, at: undefined };
    if (next !== undefined || until <= time.to) return [start, end];
    return [start, end, { time: until, at: undefined }];
  });
}

/** Stacks the layers, the highest first. */
function stack(places: readonly Place[], layers: readonly Layer[]): uPlot.AlignedData {
  const sums = places.map(() => 0);
  const stacked = layers.map(({ values }) => {
    for (const [i, { at }] of places.entries()) if (at !== undefined) sums[i] += values[at];
    return [...sums];
  });
  return [places.map(({ time }) => time), ...stacked.toReversed()];
}
