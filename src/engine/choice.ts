/** Which engine serves, and how it is made, woken and cleared away. What it needs is loaded only when it is chosen. */
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

/** The engines there are. */
export type EngineKind = "node" | "uring";

/** What was chosen, and if it is not what would be best, why. */
export interface EngineChoice {
  readonly kind: EngineKind;
  readonly because: string | undefined;
}

/** The engine that was asked for cannot be had here. The message says why. */
export class EngineUnavailableError extends Error {}

/**
 * Chooses: `auto` is the fastest that works here.
 * @param probe tells why io_uring cannot be had, if it cannot.
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
 * Makes an engine on this thread.
 * @param resources shared memory for what the `uring` engine has of the kernel.
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

const ONE = new BigUint64Array([1n]);

/** Lets the event loop of an engine's thread go round at once. @param wakeDescriptor the engine's, or -1. */
export function wakeEngine(wakeDescriptor: number): void {
  if (wakeDescriptor >= 0) writeSync(wakeDescriptor, ONE);
}

/**
 * The same addresses, with descriptors of sockets given for one engine alone: it closes them.
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

/** Gives back what the engine of a thread that has died had of the kernel. */
export async function clearAway(kind: EngineKind, resources: ResourceData): Promise<void> {
  if (kind === "uring") (await import("./uring/left-behind.ts")).clearAway(resources);
}
