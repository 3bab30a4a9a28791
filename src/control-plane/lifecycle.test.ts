import assert from "node:assert/strict";
import { test } from "node:test";
import { type Component, Lifecycle } from "./lifecycle.ts";

/** Components that record their calls; the start of one may fail. */
function recorded(names: string, failing = "") {
  const calls: string[] = [];
  const components = [...names].map(
    (name): Component => ({
      start: async () => {
        calls.push(`start ${name}`);
        if (name === failing) throw new Error(name);
      },
      stop: () => void calls.push(`stop ${name}`),
    }),
  );
  return { calls, lifecycle: new Lifecycle(components) };
}

test("components start in order and stop in reverse, once", async () => {
  const { calls, lifecycle } = recorded("abc");
  await lifecycle.start();
  await lifecycle.stop();
  await lifecycle.stop();
  assert.deepEqual(calls, ["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
});

test("a failed start stops what was started, the failed component too", async () => {
  const { calls, lifecycle } = recorded("abc", "b");
  await assert.rejects(lifecycle.start(), /^Error: b$/);
  assert.deepEqual(calls, ["start a", "start b", "stop b", "stop a"]);
});
