/** Assertions about the outcome of an announce to another tracker. */
import assert from "node:assert/strict";
import type { Answer, FailureKind, Outcome } from "../../src/client/outcome.ts";

/** Asserts that there was a reply. @returns the reply. */
export function answerOf(outcome: Outcome): Answer {
  assert.ok(outcome.answered, JSON.stringify(outcome));
  return outcome;
}

/** Asserts that it failed in this way. */
export function assertFailed(outcome: Outcome, kind: FailureKind): void {
  assert.equal(outcome.answered ? "an answer" : outcome.kind, kind);
}
