/**
 * A worker that counts the collections of its young garbage, and collects all garbage on request. Otherwise it is
 * worker.ts.
 */
import { constants, PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type MessagePort, workerData } from "node:worker_threads";

/** The options besides those of every worker. */
export interface Observation {
  /** Counts the collections of young garbage. */
  readonly collections: Int32Array<SharedArrayBuffer>;
  /** A port. Each message on it is answered when all garbage has been collected. */
  readonly collector: MessagePort;
}

const { collections, collector }: Observation = workerData;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");
collector.on("message", () => {
  collect();
  collector.postMessage("collected");
});

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (Object(entry).detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) Atomics.add(collections, 0, 1);
  }
}).observe({ entryTypes: ["gc"] });

await import("../src/data-plane/worker.ts");
