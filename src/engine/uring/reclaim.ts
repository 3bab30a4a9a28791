/** Reclaims the kernel resources of an engine whose thread has crashed. */
import { Completions } from "./completions.ts";
import { close, munmap, viewMemory } from "./libc.ts";
import { PURPOSE } from "./purpose.ts";
import { type ResourceData, takeResources } from "./resources.ts";

/**
 * Unmaps and closes all recorded resources. The thread must have ended: then all operations on its ring have completed.
 * Connections that it accepted but did not read are only in those completions.
 */
export function reclaimResources(resources: ResourceData): void {
  const { mappings, ring, descriptors } = takeResources(resources);
  if (ring !== undefined) {
    const { at, length } = ring.memory;
    closeAccepted(new Completions(viewMemory(at, length), ring.completionOffsets));
  }
  for (const { at, length } of mappings) munmap(at, length);
  // The thread may have closed a descriptor without recording that. Closing it again fails, which is harmless.
  for (const fd of descriptors) close(fd);
}

function closeAccepted(completions: Completions): void {
  const { head, tail } = completions;
  for (let position = head; position !== tail; position = (position + 1) >>> 0) {
    const at = completions.at(position);
    const fd = completions.result(at);
    if (completions.purpose(at) === PURPOSE.accepted && fd >= 0) close(fd);
  }
}
