/** Checks whether io_uring is available. */
import { connectionsPerWorker, workerCount } from "../../config/worker-count.ts";
import { probeUring } from "../../engine/uring/probe.ts";
import { type Finding, ok, problem, type Subject, warning } from "./finding.ts";

const REMEDY = "docs/engines.md: a seccomp profile, locked memory, kernel.io_uring_disabled; or engine: node";

/** Allocates what the tracker would need, unless a running tracker has done so. */
export async function checkEngine({ loaded: { config }, running }: Subject): Promise<Finding[]> {
  if (config.engine === "node") return [ok("not needed: engine is node")];
  if (running?.engine === "uring") return [ok("the running tracker uses it")];
  const engines = workerCount(config);
  const because = await probeUring({
    engines,
    connections: connectionsPerWorker(config.listen.max_connections, engines),
  });
  if (because === undefined) return [ok("available")];
  if (config.engine === "uring") return [problem(because, REMEDY)];
  return [warning(`${because}: the slower node engine will serve`, REMEDY)];
}
