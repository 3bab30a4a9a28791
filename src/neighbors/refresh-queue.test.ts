import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RefreshQueue } from "./refresh-queue.ts";

const hash = (number: number) => Uint32Array.of(number, 1, 2, 3, 4);
const classOf = (peers: number) => Math.min(23, 32 - Math.clz32(peers));

test("swarms with many peers come first, of the like who came first; the least gives way", () => {
  const operation = fc.oneof(
    fc.record({ peers: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 0x7fffffff })) }),
    fc.constant("take" as const),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(operation, { maxLength: 200 }), (capacity, all) => {
      const queue = new RefreshQueue(capacity);
      let model: { number: number; of: number }[] = [];
      let dropped = 0;
      for (const [number, wanted] of all.entries()) {
        if (wanted === "take") {
          const first = model.toSorted((a, b) => b.of - a.of || a.number - b.number)[0];
          assert.deepEqual(queue.take(), first === undefined ? undefined : hash(first.number));
          model = model.filter((wish) => wish !== first);
        } else {
          const of = classOf(wanted.peers);
          let fits = model.length < capacity;
          if (!fits) {
            dropped++;
            const least = model.toSorted((a, b) => a.of - b.of || a.number - b.number)[0];
            fits = least.of < of;
            if (fits) model = model.filter((wish) => wish !== least);
          }
          if (fits) model.push({ number, of });
          assert.equal(queue.add(hash(number), wanted.peers), fits);
        }
        assert.deepEqual([queue.size, queue.dropped], [model.length, dropped]);
      }
    }),
  );
});
