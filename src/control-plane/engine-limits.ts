/** The choice of the engine, and its limits: from the configuration and the limit of open files. */
import { readFileSync } from "node:fs";
import { connectionsPerAddress, connectionsWithin } from "../config/descriptors.ts";
import type { Config } from "../config/schema.ts";
import { connectionsPerWorker, workerCount } from "../config/worker-count.ts";
import { chooseEngine, type EngineChoice } from "../engine/choice.ts";
import type { EngineLimits } from "../engine/engine.ts";
import { probeUring } from "../engine/uring/probe.ts";

/** Returns the limit of open files (RLIMIT_NOFILE; Node has raised the soft limit to the hard limit). */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Returns the limits of all workers together. */
export function engineLimits(config: Config, descriptors = descriptorLimit()): EngineLimits {
  const { listen } = config;
  const maxConnections = connectionsWithin(descriptors, config);
  return {
    maxConnections,
    maxPerAddress: connectionsPerAddress(maxConnections, config),
    idleTimeoutMs: listen.idle_timeout * 1000,
    requestTimeoutMs: listen.request_timeout * 1000,
    maxDeferred: listen.max_waiting,
  };
}

/** Chooses the engine for a configuration. @throws EngineUnavailableError */
export function chooseEngineFor(config: Config): Promise<EngineChoice> {
  const engines = workerCount(config);
  const connections = connectionsPerWorker(engineLimits(config).maxConnections, engines);
  return chooseEngine(config.engine, () => probeUring({ engines, connections }));
}
