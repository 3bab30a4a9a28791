/** The number of workers and their shares. */
import { availableParallelism } from "node:os";
import type { Config } from "./schema.ts";

/** Systems where several threads can listen on one address, and the kernel distributes connections (SO_REUSEPORT). */
const SHARE_PORTS: readonly NodeJS.Platform[] = ["linux", "freebsd"];

/** `workers: auto` is the number of cores, or one where workers cannot share a port. */
export function workerCount({ workers }: Pick<Config, "workers">): number {
  if (workers !== "auto") return workers;
  return SHARE_PORTS.includes(process.platform) ? Math.min(availableParallelism(), 256) : 1;
}

/** The share of each worker in a limit of connections, rounded up. */
export function connectionsPerWorker(connections: number, workers: number): number {
  return Math.ceil(connections / workers);
}
