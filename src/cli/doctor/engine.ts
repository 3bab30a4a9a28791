/** Whether io_uring can be had. */
import { connectionsPerWorker, workerCount } from "../../config/worker-count.ts";
import { probeUring } from "../../engine/uring/probe.ts";
import { type Finding, ok, problem, type Subject, warning } from "./finding.ts";

const REMEDY = "docs/engines.md: a seccomp profile, locked memory, kernel.io_uring_disabled; or engine: node";

/** Tries as much of it as the tracker would take, unless a tracker runs and has done so. */
export async function checkEngine({ loaded: { config }, running }: Subject): Promise<Finding[]> {
  if (config.engine === "node") return [ok("not wanted: engine is node")];
  if (running?.engine === "uring") return [ok("the running tracker has it")];
  const engines = workerCount(config);
  const because = await probeUring({
    engines,
    connections: connectionsPerWorker(config.listen.max_connections, engines),
  });
  if (because === undefined) return [ok("can be had")];
  if (config.engine === "uring") return [problem(because, REMEDY)];
  return [warning(`${because}: node will serve, which is slower`, REMEDY)];
}
