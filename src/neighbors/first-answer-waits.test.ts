import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { FirstAnswerWaits } from "./first-answer-waits.ts";

const [A, B] = [1, 2].map((number) => Uint32Array.of(number, 1, 2, 3, 4));

describe("a wait", () => {
  let waits: FirstAnswerWaits;
  let over: string[];

  beforeEach(() => {
    waits = new FirstAnswerWaits();
    over = [];
    waits.add(A, 2, () => over.push("a"), 1000);
    waits.add(B, 2, () => over.push("b"), 1000);
  });

  test("is over with the first answer", () => {
    waits.settle(A, true);
    waits.settle(A, true);
    assert.deepEqual(over, ["a"]);
  });

  test("goes on while somebody may still answer", () => {
    waits.settle(A, false);
    waits.settle(B, false);
    assert.deepEqual(over, []);
    waits.settle(B, true);
    waits.settle(A, false);
    assert.deepEqual(over, ["b", "a"]);
  });

  test("of a swarm is over when another begins", () => {
    waits.add(A, 1, () => over.push("again"), 1000);
    waits.settle(A, true);
    assert.deepEqual(over, ["a", "again"]);
  });

  test("is forgotten when its end was not heard of", () => {
    waits.forget(11_999);
    waits.settle(A, true);
    waits.forget(12_000);
    waits.settle(B, true);
    assert.deepEqual(over, ["a"]);
  });
});
