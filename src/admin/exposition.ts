/** Metrics in the text format of Prometheus 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */

/** The format's media type. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Names and values of labels. */
type Labels = Readonly<Record<string, string | number>>;

/** A value and its labels. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** A histogram. Buckets are not cumulative. */
interface HistogramSample {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  /** One more than bounds: the last has no upper bound. */
  readonly buckets: ArrayLike<number>;
  readonly sum: number;
}

/** A metric with its samples. */
export type Metric = { readonly name: string; readonly help: string } & (
  | { readonly type: "counter" | "gauge"; readonly samples: readonly Sample[] }
  | { readonly type: "histogram"; readonly samples: readonly HistogramSample[] }
);

/** A metric that goes up and down. */
export function gauge(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, help, type: "gauge", samples };
}

/** A metric that only grows. */
export function counter(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, help, type: "counter", samples };
}

/** Writes metrics. */
export function formatMetrics(metrics: readonly Metric[]): string {
  return metrics.map(formatMetric).join("");
}

function formatMetric(metric: Metric): string {
  const { name, help, type } = metric;
  const head = `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
  const lines =
    metric.type === "histogram"
      ? metric.samples.flatMap((sample) => histogramLines(name, sample))
      : metric.samples.map(({ labels, value }) => line(name, labels ?? {}, value));
  return head + lines.join("");
}

function histogramLines(name: string, { labels, bounds, buckets, sum }: HistogramSample): string[] {
  let count = 0;
  const lines = [...bounds, Number.POSITIVE_INFINITY].map((bound, i) => {
    count += buckets[i];
    return line(`${name}_bucket`, { ...labels, le: formatNumber(bound) }, count);
  });
  return [...lines, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(String(text))}"`);
  return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${formatNumber(value)}\n`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function formatNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  return Number.isFinite(value) ? String(value) : value > 0 ? "+Inf" : "-Inf";
}
