import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { CONTROL_PLANE, holderOf, inheritLock, lock, unlock } from "./shard-lock.ts";

const cells = () => new Int32Array(new SharedArrayBuffer(8));

/** Increments a number that only the lock protects. */
const ADDER = `
  import { workerData } from "node:worker_threads";
  const { lock, unlock } = await import(workerData.module);
  const { locks, number, holder } = workerData;
  for (let i = 0; i < 100000; i++) {
    lock(locks, 0, holder);
    number[0]++;
    unlock(locks, 0);
  }`;

test("threads that compete for a lock exclude each other, and all get it", { timeout: 300_000 }, async () => {
  const locks = cells();
  const number = new Float64Array(new SharedArrayBuffer(8));
  const threads = [0, 1, 2, 255].map((worker) => {
    const module = new URL("./shard-lock.ts", import.meta.url).href;
    const workerData = { module, locks, number, holder: holderOf(worker) };
    return new Worker(new URL(`data:text/javascript,${encodeURIComponent(ADDER)}`), { workerData });
  });
  await Promise.all(threads.map((thread) => once(thread, "exit")));
  assert.equal(number[0], threads.length * 100_000);
  assert.equal(locks[0], 0);
});

test("a thread that waits for the lock of a crashed holder gets it from the thread that took it over", {
  timeout: 300_000,
}, async () => {
  const locks = cells();
  const number = new Float64Array(new SharedArrayBuffer(8));
  lock(locks, 0, holderOf(7));
  const module = new URL("./shard-lock.ts", import.meta.url).href;
  const threads = [1, 2].map(
    (worker) =>
      new Worker(new URL(`data:text/javascript,${encodeURIComponent(ADDER)}`), {
        workerData: { module, locks, number, holder: holderOf(worker) },
      }),
  );
  while (Atomics.load(locks, 0) === holderOf(7)) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(inheritLock(locks, 0, holderOf(7), CONTROL_PLANE));
  unlock(locks, 0);
  await Promise.all(threads.map((thread) => once(thread, "exit")));
  assert.equal(number[0], 200_000);
});
