/** Rests of background work on the control plane, so that announces come first where all threads share a core. */
import { setTimeout as delay } from "node:timers/promises";

/** Milliseconds of rest for each millisecond of work. */
const REST_FACTOR = 4;

/** Waits after a slice of work. @param workedMs how long the slice took. */
export type Rest = (workedMs: number) => Promise<void>;

/** Rests in proportion to the work. */
export const restAfter: Rest = async (workedMs) => {
  await delay(workedMs * REST_FACTOR);
};
