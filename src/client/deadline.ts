/** Waiting no longer than a deadline. */
import type { FailureKind } from "./outcome.ts";

/** `reason` with which a deadline is aborted when nobody wants the answer any more. */
export const CLOSED = "closed";

/** What a wait ended as that its deadline ended. */
export function endOf(deadline: AbortSignal): FailureKind {
  return deadline.reason === CLOSED ? "closed" : "timeout";
}

/**
 * What `wait` is given to call, or what the deadline ended as before.
 * @param wait is called at once.
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
