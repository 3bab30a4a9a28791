import { test } from "node:test";
import { describeEngine } from "../conformance.ts";
import { probeUring } from "./probe.ts";
import { allocateResources } from "./resources.ts";

const SOCKETS = 8;

/** The clients are on the same thread: they have their turn when the engine waits no more. */
const WAIT_MS = 1;

const because = await probeUring();
if (because !== undefined) test("the uring engine", { skip: because });
else {
  const { UringEngine } = await import("./uring-engine.ts");
  describeEngine("the uring engine", (services, limits, counters) => {
    const resources = allocateResources(SOCKETS, limits.maxConnections);
    return new UringEngine(services, limits, counters, resources, WAIT_MS);
  });
}
