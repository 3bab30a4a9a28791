/** Metrics of the process, with the names of the Prometheus client libraries. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Metric } from "./exposition.ts";

/** How often the delay is measured. Each measurement wakes the process, also when it has nothing to do. */
const RESOLUTION_MS = 1000;
const QUANTILES = [50, 90, 99] as const;

/** Measures the delay of the control plane's event loop until it is stopped. */
export class ProcessMetrics {
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;

  constructor() {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
  }

  stop(): void {
    this.#delay.disable();
  }

  /** Reads the metrics. Delays are since the start, without the interval of the measuring timer. */
  read(): Metric[] {
    const { user, system } = process.cpuUsage();
    const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
    return [
      {
        name: "process_cpu_seconds_total",
        help: "Processor time of the whole process.",
        type: "counter",
        samples: [{ value: (user + system) / 1e6 }],
      },
      {
        name: "process_resident_memory_bytes",
        help: "Memory of the whole process.",
        type: "gauge",
        samples: [{ value: process.memoryUsage.rss() }],
      },
      {
        name: "process_start_time_seconds",
        help: "When the process was started.",
        type: "gauge",
        samples: [{ value: Date.now() / 1000 - process.uptime() }],
      },
      ...QUANTILES.map(
        (percent): Metric => ({
          name: `nodejs_eventloop_lag_p${percent}_seconds`,
          help: `Of the control plane since the start, percentile ${percent}; the data plane has threads of its own.`,
          type: "gauge",
          samples: [{ value: late(this.#delay.percentile(percent)) }],
        }),
      ),
    ];
  }
}
