import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { allocateCounters } from "../model/counters.ts";
import { allocateTaskQueue, TaskReader } from "./task-queue.ts";

/** Pushes tasks whose bytes follow from their tokens, and tries again what had no room. */
const PRODUCER = `
  import { workerData } from "node:worker_threads";
  const { TaskWriter } = await import(workerData.module);
  const writer = new TaskWriter(workerData.data, workerData.counters);
  const bytes = new Uint8Array(300);
  for (let token = 1; token <= workerData.tasks; token++) {
    const length = (token * 7919) % 300;
    bytes.fill(token, 0, length);
    while (!writer.push(1 + (token % 2), token, bytes, 0, length));
  }`;

test("one thread pushes while another drains: nothing is torn, lost or twice", {
  timeout: 300_000,
}, async () => {
  const tasks = 100_000;
  const data = allocateTaskQueue(2048);
  const counters = allocateCounters();
  const reader = new TaskReader(data);
  const module = new URL("./task-queue.ts", import.meta.url).href;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(PRODUCER)}`), {
    workerData: { module, data, counters, tasks },
  });
  const exited = once(thread, "exit");
  let seen = 0;
  while (seen < tasks) {
    const { pushed } = reader;
    const more = reader.drain((kind, token, bytes) => {
      seen++;
      assert.equal(token, seen);
      assert.equal(kind, 1 + (token % 2));
      assert.equal(bytes.length, (token * 7919) % 300);
      assert.ok(bytes.every((byte) => byte === (token & 0xff)));
    }, 1000);
    if (!more && seen < tasks) await reader.wait(pushed);
  }
  await exited;
});
