import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { allocateCounters } from "../model/counters.ts";
import { allocateTaskQueues, TASK, TaskWriter } from "../tasks/task-queue.ts";
import { TaskDispatcher } from "./task-dispatcher.ts";

const NOTHING = new Uint8Array(0);

/** A dispatcher for two workers, and the requests that it resumed. */
function openDispatcher() {
  const queues = allocateTaskQueues(2);
  const writers = queues.map((queue) => new TaskWriter(queue, allocateCounters()));
  const resumed: { worker: number; tokens: readonly number[] }[] = [];
  let resumedOne = () => {};
  const resume = (worker: number, tokens: readonly number[]) => {
    resumed.push({ worker, tokens });
    resumedOne();
  };
  const dispatcher = new TaskDispatcher({ tasks: queues, resume });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      resumedOne = () => {
        if (condition()) resolve();
      };
      resumedOne();
    });
  return { dispatcher, writers, resumed, until };
}

test("tasks go to whoever does their kind, and waits are ended at the right worker", async () => {
  const { dispatcher, writers, resumed, until } = openDispatcher();
  const done: [number, number, number][] = [];
  dispatcher.handle(TASK.forward, (worker, token, bytes) => {
    done.push([worker, token, bytes.length]);
    dispatcher.resume(worker, token);
  });
  dispatcher.start();
  writers[0].push(TASK.forward, 5, Uint8Array.of(1, 2, 3), 0, 3);
  writers[0].push(TASK.refresh, 6, NOTHING, 0, 0);
  writers[1].push(TASK.forward, 7, NOTHING, 0, 0);
  await until(() => resumed.length === 2);
  writers[1].push(TASK.forward, 0, NOTHING, 0, 0);
  writers[1].push(TASK.forward, 8, NOTHING, 0, 0);
  await until(() => resumed.length === 3);
  await dispatcher.stop();
  assert.deepEqual(
    done.sort(([a], [b]) => a - b),
    [
      [0, 5, 3],
      [1, 7, 0],
      [1, 0, 0],
      [1, 8, 0],
    ],
  );
  assert.deepEqual(
    resumed.map(({ tokens }) => tokens),
    [[5], [7], [8]],
    "token 0 is nobody's",
  );
});

test("what a client asks of one worker after another has answered it does not overtake", async () => {
  const { dispatcher, writers, resumed, until } = openDispatcher();
  const order: number[] = [];
  dispatcher.handle(TASK.forward, (worker, token) => {
    order.push(token);
    dispatcher.resume(worker, token);
  });
  dispatcher.start();
  for (let token = 1; token <= 2000; token++)
    writers[(token * token) % 3 === 0 ? 1 : 0].push(TASK.forward, token, NOTHING, 0, 0);
  await until(() => resumed.reduce((sum, { tokens }) => sum + tokens.length, 0) === 2000);
  await dispatcher.stop();
  assert.deepEqual(
    order,
    Array.from({ length: 2000 }, (_, i) => i + 1),
  );
});

test("a crowd's waits are ended in portions", async () => {
  const { dispatcher, writers, resumed, until } = openDispatcher();
  dispatcher.handle(TASK.refresh, (worker, token) => dispatcher.resume(worker, token));
  dispatcher.start();
  for (let token = 1; token <= 1000; token++) writers[0].push(TASK.refresh, token, NOTHING, 0, 0);
  await until(() => resumed.reduce((sum, { tokens }) => sum + tokens.length, 0) === 1000);
  await dispatcher.stop();
  assert.ok(resumed.every(({ tokens }) => tokens.length <= 64));
  assert.deepEqual(
    resumed.flatMap(({ tokens }) => tokens),
    Array.from({ length: 1000 }, (_, i) => i + 1),
  );
});

test("no task of the gate is lost, whether it comes with others or after a pause", async () => {
  const { dispatcher, writers } = openDispatcher();
  const seen: number[] = [];
  let saw = () => {};
  dispatcher.handle(TASK.gate, (_worker, _token, [number]) => {
    seen.push(number);
    saw();
  });
  dispatcher.start();
  const pushed: number[] = [];
  for (let number = 0; number < 90; number++) {
    writers[number % 2].push(TASK.gate, 0, Uint8Array.of(number), 0, 1);
    pushed.push(number);
    // Before the dispatcher looks for tasks by itself, while it does, and as it falls asleep again.
    await delay(number % 31);
  }
  while (seen.length < pushed.length)
    await new Promise<void>((resolve) => {
      saw = resolve;
    });
  await dispatcher.stop();
  assert.deepEqual(seen, pushed);
});
