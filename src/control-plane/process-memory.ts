/** Returns memory that the process does not use to the system. */
import { forgetProgramPages, returnFreeMemory } from "../engine/program-memory.ts";
import { type Component, repeating } from "./lifecycle.ts";

const RETURN_MEMORY_MS = 10_000;
/** Less often: the pages that are in use must be found again. */
const FORGET_PROGRAM_MS = 20_000;

/** @returns a component that does so when it starts, after everything that only the start needs, and then repeatedly. */
export function returningMemory(): Component {
  const repeated = [
    repeating(FORGET_PROGRAM_MS, () => void forgetProgramPages()),
    repeating(RETURN_MEMORY_MS, () => void returnFreeMemory()),
  ];
  return {
    start: async () => {
      await forgetProgramPages();
      await returnFreeMemory();
      for (const each of repeated) await each.start?.();
    },
    stop: () => {
      for (const each of repeated) each.stop?.();
    },
  };
}
