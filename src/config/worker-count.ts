/** How many data-plane threads a configuration asks for. */
import { availableParallelism } from "node:os";
import type { Config } from "./schema.ts";

/** Systems on which several threads can listen on one address, each for itself (SO_REUSEPORT that deals out). */
const SHARE_PORTS: readonly NodeJS.Platform[] = ["linux", "freebsd"];

/** `workers: auto` is as many as this process has cores, or one where they cannot share a port. */
export function workerCount({ workers }: Pick<Config, "workers">): number {
  if (workers !== "auto") return workers;
  return SHARE_PORTS.includes(process.platform) ? Math.min(availableParallelism(), 256) : 1;
}

/** Connections that each worker may have, open or waiting, of so many together. */
export function connectionsPerWorker(connections: number, workers: number): number {
  return Math.ceil(connections / workers);
}
