import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LargestSwarms } from "./largest-swarms.ts";

/** Few different first words, so that the order of later ones matters. */
const swarms = fc.uniqueArray(fc.record({ first: fc.nat(3), last: fc.nat(1000), size: fc.nat(50) }), {
  selector: ({ first, last }) => `${first} ${last}`,
  maxLength: 200,
});

test("the largest are kept, in order, whatever the order in which they came", () => {
  const largest = new LargestSwarms();
  fc.assert(
    fc.property(swarms, fc.integer({ min: 1, max: 60 }), (all, limit) => {
      largest.begin(limit);
      for (const { first, last, size } of all) {
        largest.add(Uint32Array.of(7, first * 0x50000000, 0, 0, 0, last), 1, size);
        largest.trim();
      }
      const taken = largest.take();
      const kept = Array.from({ length: taken.length / 5 }, (_, i) => [taken[i * 5], taken[i * 5 + 4]]);
      const sorted = kept.toSorted(([a, b], [c, d]) => a - c || b - d);
      assert.deepEqual(kept, sorted);
      assert.equal(kept.length, Math.min(limit, all.length));
      assert.equal(largest.leftOut, all.length - kept.length);
      const sizeOf = new Map(all.map(({ first, last, size }) => [`${first * 0x50000000} ${last}`, size]));
      const sizes = kept.map((pair) => sizeOf.get(pair.join(" "))!).sort((a, b) => b - a);
      assert.deepEqual(
        sizes,
        all
          .map(({ size }) => size)
          .sort((a, b) => b - a)
          .slice(0, limit),
      );
    }),
  );
});

test("a swarm that was met twice is there once", () => {
  const largest = new LargestSwarms();
  largest.begin(10);
  for (const first of [3, 1, 3, 2, 1]) largest.add(Uint32Array.of(first, 0, 0, 0, 9), 0, 1);
  assert.deepEqual(
    [...largest.take()],
    [1, 2, 3].flatMap((first) => [first, 0, 0, 0, 9]),
  );
});
