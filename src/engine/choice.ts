/**
 * Chooses, creates and wakes an engine, and reclaims its resources. An engine's modules are loaded only when it is
 * chosen.
 */
import { writeSync } from "node:fs";
import type {
  Engine,
  EngineCounters,
  EngineLimits,
  ListenAddress,
  ListenAddresses,
  Services,
} from "./engine.ts";
import { FCNTL } from "./uring/layouts.ts";
import { probeUring } from "./uring/probe.ts";
import type { ResourceData } from "./uring/resources.ts";

/** The available engines. */
export type EngineKind = "node" | "uring";

/** The chosen engine. `because` says why it is not the preferred one. */
export interface EngineChoice {
  readonly kind: EngineKind;
  readonly because: string | undefined;
}

/** The configured engine does not work here. The message says why. */
export class EngineUnavailableError extends Error {}

/**
 * Chooses an engine: `auto` is the fastest that works here.
 * @param probe says why io_uring is unavailable; undefined if it works.
 * @throws EngineUnavailableError
 */
export async function chooseEngine(
  wanted: EngineKind | "auto",
  probe: () => Promise<string | undefined> = () => probeUring(),
): Promise<EngineChoice> {
  if (wanted === "node") return { kind: "node", because: undefined };
  const because = await probe();
  if (because === undefined) return { kind: "uring", because };
  if (wanted === "uring") throw new EngineUnavailableError(because);
  return { kind: "node", because };
}

/**
 * Creates an engine on this thread.
 * @param resources shared memory in which the `uring` engine records its kernel resources.
 */
export async function makeEngine(
  kind: EngineKind,
  services: Services,
  limits: EngineLimits,
  counters: EngineCounters,
  resources: ResourceData,
): Promise<Engine> {
  if (kind === "node") {
    const { NodeEngine } = await import("./node/node-engine.ts");
    return new NodeEngine(services, limits, counters);
  }
  const { UringEngine } = await import("./uring/uring-engine.ts");
  return new UringEngine(services, limits, counters, resources);
}

/** Asks for huge pages under memory that is read at random, where the engine makes system calls (uring/huge-pages.ts). */
export async function preferHugePages(
  kind: EngineKind,
  arrays: readonly Uint32Array<SharedArrayBuffer>[],
): Promise<void> {
  if (kind !== "uring") return;
  const { adviseHugePages } = await import("./uring/huge-pages.ts");
  for (const array of arrays) adviseHugePages(array);
}

const ONE = new BigUint64Array([1n]);

/** Makes the event loop of an engine's thread run at once. @param wakeDescriptor the engine's, or -1. */
export function wakeEngine(wakeDescriptor: number): void {
  if (wakeDescriptor >= 0) writeSync(wakeDescriptor, ONE);
}

/**
 * Duplicates inherited descriptors for one engine, which closes them.
 * @throws SystemError
 */
export async function ownDescriptors({ streams, datagrams }: ListenAddresses): Promise<ListenAddresses> {
  if ([...streams, ...datagrams].every(({ fd }) => fd === undefined)) return { streams, datagrams };
  const { fcntl, systemError } = await import("./uring/libc.ts");
  const own = (address: ListenAddress): ListenAddress => {
    if (address.fd === undefined) return address;
    const fd = fcntl(address.fd, FCNTL.duplicateCloseOnExec, 0);
    if (fd < 0) throw systemError(`no descriptor for ${address.host}:${address.port}`);
    return { ...address, fd };
  };
  return { streams: streams.map(own), datagrams: datagrams.map(own) };
}

/** Reclaims the kernel resources of an engine whose thread has crashed. */
export async function reclaimResources(kind: EngineKind, resources: ResourceData): Promise<void> {
  if (kind === "uring") (await import("./uring/reclaim.ts")).reclaimResources(resources);
}
