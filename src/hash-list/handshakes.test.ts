import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTIVITY } from "../store/group-activity.ts";
import { Handshakes } from "./handshakes.ts";

test("running totals become totals since the start, also when their counter begins anew", () => {
  const handshakes = new Handshakes();
  const out = () => handshakes.read().find(({ direction }) => direction === "out");
  assert.equal(out(), undefined);
  handshakes.update("out", { seen: 1000, refused: 100 });
  assert.deepEqual(out(), { direction: "out", seen: 0, refused: 0 }, "what was there before is not ours");
  handshakes.update("out", { seen: 1010, refused: 103 });
  handshakes.update("out", { seen: 1010, refused: 103 });
  assert.deepEqual(out(), { direction: "out", seen: 10, refused: 3 });
  handshakes.update("out", { seen: 4, refused: 1 });
  assert.deepEqual(out(), { direction: "out", seen: 14, refused: 4 }, "the counter began anew");
  handshakes.update("in", { seen: 0, refused: 0 });
  handshakes.update("in", { seen: 5, refused: 5 });
  assert.deepEqual(handshakes.read(), [
    { direction: "out", seen: 14, refused: 4 },
    { direction: "in", seen: 5, refused: 5 },
  ]);
  const { activity } = handshakes;
  assert.deepEqual([...activity.subarray(ACTIVITY.handshakes, ACTIVITY.gate)], [19, 9]);
  assert.equal(
    activity.reduce((sum, count) => sum + count),
    28,
    "in the row of no group alone",
  );
});

test("another counter's past is not counted", () => {
  const handshakes = new Handshakes();
  handshakes.update("any", { seen: 10, refused: 1 });
  handshakes.update("any", { seen: 12, refused: 2 });
  handshakes.beginAnew();
  handshakes.update("any", { seen: 1_000_000, refused: 1000 });
  handshakes.update("any", { seen: 1_000_001, refused: 1001 });
  assert.deepEqual(handshakes.read(), [{ direction: "any", seen: 3, refused: 2 }]);
});
