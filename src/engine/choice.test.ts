import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEngine, EngineUnavailableError } from "./choice.ts";

const works = async () => undefined;
const refused = async () => "io_uring is refused";

test("auto chooses uring if it works, and otherwise says why it does not", async () => {
  assert.deepEqual(await chooseEngine("auto", works), { kind: "uring", because: undefined });
  assert.deepEqual(await chooseEngine("auto", refused), { kind: "node", because: "io_uring is refused" });
});

test("a configured engine is chosen, or an error is thrown", async () => {
  assert.deepEqual(await chooseEngine("node", works), { kind: "node", because: undefined });
  assert.deepEqual(await chooseEngine("uring", works), { kind: "uring", because: undefined });
  await assert.rejects(chooseEngine("uring", refused), new EngineUnavailableError("io_uring is refused"));
});
