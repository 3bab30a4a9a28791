/** Returns memory that the process does not use to the system. */
import { forgetProgramPages, returnFreeMemory } from "../engine/program-memory.ts";
import { type Component, repeating } from "./lifecycle.ts";

const RETURN_MEMORY_MS = 10_000;

/** @returns a component that does so when it starts, after everything that only the start needs, and then repeatedly. */
export function returningMemory(): Component {
  const repeated = repeating(RETURN_MEMORY_MS, () => void returnFreeMemory());
  return {
    ...repeated,
    start: async () => {
      await forgetProgramPages();
      await returnFreeMemory();
      await repeated.start?.();
    },
  };
}
