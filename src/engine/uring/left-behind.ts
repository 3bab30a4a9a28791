/** Giving back what the engine of a thread that died had of the kernel. */
import { Completions } from "./completions.ts";
import { close, munmap, viewMemory } from "./libc.ts";
import { PURPOSE } from "./purpose.ts";
import { type ResourceData, takeResources } from "./resources.ts";

/**
 * Unmaps and closes all there is. The thread must have ended: what was under way on its ring has then become
 * completions, and among those that it did not come to are connections that nobody else knows of.
 */
export function clearAway(resources: ResourceData): void {
  const { mappings, ring, descriptors } = takeResources(resources);
  if (ring !== undefined) {
    const { at, length } = ring.memory;
    closeAccepted(new Completions(viewMemory(at, length), ring.completionOffsets));
  }
  for (const { at, length } of mappings) munmap(at, length);
  // One that the thread closed, and could not note down any more, fails to be closed: nothing is lost.
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
