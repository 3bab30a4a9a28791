/** The client that asks a neighbor: the running tracker's, and the doctor's. */
import { chosenOrPublicExcept } from "../client/address-guard.ts";
import { TrackerClient } from "../client/tracker-client.ts";
import { machineAddresses } from "../platform/machine.ts";
import { exampleUrl } from "./announce-template.ts";
import type { NeighborSettings } from "./settings.ts";

/** Makes it. A neighbor may well have a private address, but send us to no other. */
export function makeNeighborClient({
  template,
  timeoutMs,
  maxConcurrent,
}: Pick<NeighborSettings, "template" | "timeoutMs" | "maxConcurrent">): TrackerClient {
  return new TrackerClient({
    guard: chosenOrPublicExcept(exampleUrl(template), machineAddresses()),
    refuseLowPorts: false,
    timeoutMs,
    maxInFlight: maxConcurrent,
    maxPerHost: maxConcurrent,
  });
}
