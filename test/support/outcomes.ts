/** What announcing to another tracker should have come to. */
import assert from "node:assert/strict";
import type { Answer, FailureKind, Outcome } from "../../src/client/outcome.ts";

/** That it was answered. @returns the answer. */
export function answerOf(outcome: Outcome): Answer {
  assert.ok(outcome.answered, JSON.stringify(outcome));
  return outcome;
}

/** That it failed in this way. */
export function assertFailed(outcome: Outcome, kind: FailureKind): void {
  assert.equal(outcome.answered ? "an answer" : outcome.kind, kind);
}
