/** A chart over time, stacked, by uPlot; what it shows is said in its label, and in the table beside it. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

const HEIGHT = 180;

/** Seconds that a chart shows at least. */
const LEAST_SECONDS = 60;

/** One layer. */
export interface Layer {
  readonly label: string;
  readonly values: readonly number[];
  /** A custom property of page.css. */
  readonly color: string;
}

/** @param times seconds since 1970. */
export function Chart({
  label,
  times,
  layers,
}: {
  label: string;
  times: readonly number[];
  layers: readonly Layer[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const names = layers.map((layer) => layer.label).join();
  const data = useRef<uPlot.AlignedData>([[]]);
  data.current = stack(times, layers);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, layers), data.current, element);
    };
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
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

function options(element: HTMLElement, layers: readonly Layer[]): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name);
  const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: timeRange },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.05 : 1] },
    },
    axes: [axis, { ...axis, size: 60 }],
    // The highest first, so that each layer is drawn over those it is stacked on.
    series: [
      {},
      ...layers.toReversed().map((layer) => ({
        label: layer.label,
        width: 0,
        points: { show: false },
        fill: color(layer.color),
      })),
    ],
  };
}

/** All times, and never less than would make one point look like years. */
function timeRange({ data: [times] }: uPlot): uPlot.Range.MinMax {
  const last = times.at(-1) ?? 0;
  return [Math.min(times[0] ?? 0, last - LEAST_SECONDS), last];
}

/** Each layer's values on top of those before it, the highest first. */
function stack(times: readonly number[], layers: readonly Layer[]): uPlot.AlignedData {
  const sums = times.map(() => 0);
  const stacked = layers.map(({ values }) => {
    for (const [i, value] of values.entries()) sums[i] += value;
    return [...sums];
  });
  return [[...times], ...stacked.toReversed()];
}
