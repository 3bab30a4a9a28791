import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { allocateCounters } from "../model/counters.ts";
import { allocateErrandQueue, ErrandReader } from "./task-queue.ts";

/** Pushes errands whose bytes follow from their tokens, and tries again what had no room. */
const PRODUCER = `
  import { workerData } from "node:worker_threads";
  const { ErrandWriter } = await import(workerData.module);
  const writer = new ErrandWriter(workerData.data, workerData.counters);
  const bytes = new Uint8Array(300);
  for (let token = 1; token <= workerData.errands; token++) {
    const length = (token * 7919) % 300;
    bytes.fill(token, 0, length);
    while (!writer.push(1 + (token % 2), token, bytes, 0, length));
  }`;

test("one thread pushes while another drains: nothing is torn, lost or twice", {
  timeout: 300_000,
}, async () => {
  const errands = 100_000;
  const data = allocateErrandQueue(2048);
  const counters = allocateCounters();
  const reader = new ErrandReader(data);
  const module = new URL("./task-queue.ts", import.meta.url).href;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PRODUCER)}`), {
    workerData: { module, data, counters, errands },
  });
  const exited = once(thread, "exit");
  let seen = 0;
  while (seen < errands) {
    const { came } = reader;
    const more = reader.drain((kind, token, bytes) => {
      seen++;
      assert.equal(token, seen);
      assert.equal(kind, 1 + (token % 2));
      assert.equal(bytes.length, (token * 7919) % 300);
      assert.ok(bytes.every((byte) => byte === (token & 0xff)));
    }, 1000);
    if (!more && seen < errands) await reader.wait(came);
  }
  await exited;
});
