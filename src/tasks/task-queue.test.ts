import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allocateCounters, COUNTER } from "../model/counters.ts";
import { allocateTaskQueue, TASK, TASK_BYTES, TaskReader, TaskWriter } from "./task-queue.ts";

interface Task {
  readonly kind: number;
  readonly token: number;
  readonly bytes: Uint8Array;
}

function queue(ringBytes?: number) {
  const data = allocateTaskQueue(ringBytes);
  const counters = allocateCounters();
  const writer = new TaskWriter(data, counters);
  const reader = new TaskReader(data);
  const drain = (most = Number.POSITIVE_INFINITY): Task[] => {
    const tasks: Task[] = [];
    reader.drain((kind, token, bytes) => tasks.push({ kind, token, bytes }), most);
    return tasks;
  };
  return { data, counters, writer, reader, drain };
}

test("what was pushed is drained, in its order, as often as the ring goes round", () => {
  const task = fc.record({
    kind: fc.constantFrom(TASK.refresh, TASK.forward),
    token: fc.oneof(fc.constant(0), fc.maxSafeNat(), fc.constant(2 ** 53 - 1)),
    bytes: fc.uint8Array({ maxLength: 60 }),
    padding: fc.nat(20),
  });
  const { writer, drain, counters } = queue(128);
  fc.assert(
    fc.property(fc.array(task, { maxLength: 12 }), fc.nat(6), (tasks, most) => {
      const taken: Task[] = [];
      const given: Task[] = [];
      for (const { kind, token, bytes, padding } of tasks) {
        const padded = new Uint8Array(padding + bytes.length + 3);
        padded.set(bytes, padding);
        if (writer.push(kind, token, padded, padding, padding + bytes.length))
          given.push({ kind, token, bytes });
        else taken.push(...drain(most));
      }
      taken.push(...drain());
      assert.deepEqual(taken, given);
    }),
    { numRuns: 2000 },
  );
  assert.ok(counters[COUNTER.tasksDropped] > 0);
});

test("what has no room is dropped and counted, and room comes again", () => {
  const { writer, drain, counters } = queue(128);
  const bytes = new Uint8Array(100);
  assert.equal(writer.push(TASK.forward, 1, bytes, 0, 48), true, "64 bytes");
  assert.equal(writer.push(TASK.forward, 2, bytes, 0, 49), false, "68 bytes");
  assert.equal(writer.push(TASK.forward, 3, bytes, 0, 48), true, "64 bytes");
  assert.equal(writer.push(TASK.forward, 4, bytes, 0, 0), false);
  assert.equal(counters[COUNTER.tasksDropped], 2);
  assert.deepEqual(
    drain(1).map(({ token }) => token),
    [1],
  );
  assert.equal(writer.push(TASK.forward, 5, bytes, 0, 48), true);
  assert.deepEqual(
    drain().map(({ token }) => token),
    [3, 5],
  );
});

test("what is too long is dropped, and the longest is not", () => {
  const { writer, drain, counters } = queue();
  const bytes = new Uint8Array(TASK_BYTES + 1).fill(7);
  assert.equal(writer.push(TASK.forward, 0, bytes, 0, TASK_BYTES + 1), false);
  assert.equal(writer.push(TASK.forward, 0, bytes, 1, TASK_BYTES + 1), true);
  assert.equal(counters[COUNTER.tasksDropped], 1);
  assert.equal(drain()[0].bytes.length, TASK_BYTES);
});

test("positions wrap around at 2^32", () => {
  const { data, writer, drain } = queue(64);
  data.header.fill(-8);
  for (let token = 1; token < 20; token++) {
    assert.ok(writer.push(TASK.refresh, token, Uint8Array.of(token, 2, 3), 0, 3));
    assert.deepEqual(drain(), [{ kind: TASK.refresh, token, bytes: Uint8Array.of(token, 2, 3) }]);
  }
});

test("a task ends the wait", async () => {
  const { writer, reader, drain } = queue();
  const first = reader.wait(reader.pushed);
  assert.ok(first);
  writer.push(TASK.refresh, 1, new Uint8Array(0), 0, 0);
  await first;
  assert.equal(reader.wait(0), undefined, "there is one");
  drain();
  const second = reader.wait(reader.pushed);
  reader.interrupt();
  await second;
});

test("a task of the gate ends no wait while it is looked for, and others do", async () => {
  const { writer, reader, drain } = queue();
  reader.watchesGate = true;
  const { pushed } = reader;
  const waiting = reader.wait(pushed);
  writer.push(TASK.gate, 0, new Uint8Array(20), 0, 20);
  assert.equal(reader.pushed, pushed);
  assert.equal(drain().length, 1);
  writer.push(TASK.refresh, 0, new Uint8Array(0), 0, 0);
  await waiting;
  reader.watchesGate = false;
  const second = reader.wait(reader.pushed);
  writer.push(TASK.gate, 0, new Uint8Array(20), 0, 20);
  await second;
  assert.equal(await reader.wait(reader.pushed, 1), "timed-out");
});
