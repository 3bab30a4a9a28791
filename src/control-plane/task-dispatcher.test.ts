import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateCounters } from "../model/counters.ts";
import { allocateTaskQueues, TASK, TaskWriter } from "../tasks/task-queue.ts";
import { TaskDispatcher } from "./task-dispatcher.ts";

const NOTHING = new Uint8Array(0);

/** A desk for two workers, and what it told them. */
function openDesk() {
  const queues = allocateTaskQueues(2);
  const writers = queues.map((queue) => new TaskWriter(queue, allocateCounters()));
  const resumed: { worker: number; tokens: readonly number[] }[] = [];
  let told = () => {};
  const resume = (worker: number, tokens: readonly number[]) => {
    resumed.push({ worker, tokens });
    told();
  };
  const desk = new TaskDispatcher({ tasks: queues, resume });
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve) => {
      told = () => {
        if (condition()) resolve();
      };
      told();
    });
  return { desk, writers, resumed, until };
}

test("tasks go to whoever does their kind, and waits are ended at the right worker", async () => {
  const { desk, writers, resumed, until } = openDesk();
  const done: [number, number, number][] = [];
  desk.handle(TASK.forward, (worker, token, bytes) => {
    done.push([worker, token, bytes.length]);
    desk.resume(worker, token);
  });
  desk.start();
  writers[0].push(TASK.forward, 5, Uint8Array.of(1, 2, 3), 0, 3);
  writers[0].push(TASK.refresh, 6, NOTHING, 0, 0);
  writers[1].push(TASK.forward, 7, NOTHING, 0, 0);
  await until(() => resumed.length === 2);
  writers[1].push(TASK.forward, 0, NOTHING, 0, 0);
  writers[1].push(TASK.forward, 8, NOTHING, 0, 0);
  await until(() => resumed.length === 3);
  await desk.stop();
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
  const { desk, writers, resumed, until } = openDesk();
  const order: number[] = [];
  desk.handle(TASK.forward, (worker, token) => {
    order.push(token);
    desk.resume(worker, token);
  });
  desk.start();
  for (let token = 1; token <= 2000; token++)
    writers[(token * token) % 3 === 0 ? 1 : 0].push(TASK.forward, token, NOTHING, 0, 0);
  await until(() => resumed.reduce((sum, { tokens }) => sum + tokens.length, 0) === 2000);
  await desk.stop();
  assert.deepEqual(
    order,
    Array.from({ length: 2000 }, (_, i) => i + 1),
  );
});

test("a crowd's waits are ended in portions", async () => {
  const { desk, writers, resumed, until } = openDesk();
  desk.handle(TASK.refresh, (worker, token) => desk.resume(worker, token));
  desk.start();
  for (let token = 1; token <= 1000; token++) writers[0].push(TASK.refresh, token, NOTHING, 0, 0);
  await until(() => resumed.reduce((sum, { tokens }) => sum + tokens.length, 0) === 1000);
  await desk.stop();
  assert.ok(resumed.every(({ tokens }) => tokens.length <= 64));
  assert.deepEqual(
    resumed.flatMap(({ tokens }) => tokens),
    Array.from({ length: 1000 }, (_, i) => i + 1),
  );
});
