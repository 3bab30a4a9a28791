/** Makes the HTTP and UDP client for announces to a neighbor, for the running tracker and for `btrt doctor`. */
import { chosenOrPublicExcept } from "../client/address-guard.ts";
import { TrackerClient } from "../client/tracker-client.ts";
import { machineAddresses } from "../platform/machine.ts";
import { exampleUrl } from "./announce-template.ts";
import type { NeighborSettings } from "./settings.ts";

/** Makes a client. A neighbor may have a private address, but must not redirect to another one. */
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
