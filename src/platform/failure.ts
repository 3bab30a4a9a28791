/** What is known of an error of whatever kind. */

/** A failure, as a person and a program are told of it. */
export interface Failure {
  /** The system's name of it, such as EADDRINUSE, or "". */
  readonly code: string;
  readonly message: string;
}

/** Describes what was thrown. */
export function describeFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: "", message: String(error) };
  return { code: "code" in error ? String(error.code) : "", message: error.message };
}
