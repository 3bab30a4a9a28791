/** A worker that counts the collections of its young garbage. Otherwise it is worker.ts. */
import { constants, PerformanceObserver } from "node:perf_hooks";
import { workerData } from "node:worker_threads";

const { collections }: { readonly collections: Int32Array<SharedArrayBuffer> } = workerData;

new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (Object(entry).detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) Atomics.add(collections, 0, 1);
  }
}).observe({ entryTypes: ["gc"] });

await import("../src/worker.ts");
