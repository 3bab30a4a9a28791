import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEngine, EngineUnavailableError } from "./choice.ts";

const works = async () => undefined;
const refused = async () => "io_uring is refused";

test("auto takes uring where it works, and says why not where it does not", async () => {
  assert.deepEqual(await chooseEngine("auto", works), { kind: "uring", because: undefined });
  assert.deepEqual(await chooseEngine("auto", refused), { kind: "node", because: "io_uring is refused" });
});

test("who asks for an engine gets it, or an error", async () => {
  assert.deepEqual(await chooseEngine("node", works), { kind: "node", because: undefined });
  assert.deepEqual(await chooseEngine("uring", works), { kind: "uring", because: undefined });
  await assert.rejects(chooseEngine("uring", refused), new EngineUnavailableError("io_uring is refused"));
});
