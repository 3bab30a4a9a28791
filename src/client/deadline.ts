/** Waits with a deadline. */
import type { FailureKind } from "./outcome.ts";

/** Abort reason of a deadline when the client is closed. */
export const CLOSED = "closed";

/** The kind of failure that an expired deadline means. */
export function endOf(deadline: AbortSignal): FailureKind {
  return deadline.reason === CLOSED ? "closed" : "timeout";
}

/**
 * Waits for the value that `wait` passes to `settle`, until the deadline expires.
 * @param wait is called at once.
 * @returns the value, or the kind of failure.
 */
export async function untilDeadline<T>(
  deadline: AbortSignal,
  wait: (settle: (value: T | FailureKind) => void) => void,
): Promise<T | FailureKind> {
  if (deadline.aborted) return endOf(deadline);
  const { promise, resolve } = Promise.withResolvers<T | FailureKind>();
  const end = () => resolve(endOf(deadline));
  deadline.addEventListener("abort", end);
  try {
    wait(resolve);
    return await promise;
  } finally {
    deadline.removeEventListener("abort", end);
  }
}
