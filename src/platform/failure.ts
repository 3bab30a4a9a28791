/** Normalizes thrown values. */

/** An error as code and message. */
export interface Failure {
  /** The system's error code, such as EADDRINUSE, or "". */
  readonly code: string;
  readonly message: string;
}

/** Returns code and message of any thrown value. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  return { code: "code" in error ? String(error.code) : "", message: error.message };
}
