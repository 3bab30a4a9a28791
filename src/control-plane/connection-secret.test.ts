import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CONNECTION_SECRET_WORDS } from "../services/connection-ids.ts";
import { readConnectionSecret } from "./connection-secret.ts";

test("without a directory each process has a secret of its own", () => {
  const secret = readConnectionSecret({});
  assert.equal(secret.length, CONNECTION_SECRET_WORDS);
  assert.notDeepEqual(readConnectionSecret({}), secret);
});

test("with one it stays the same, and is nobody else's", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btrt-secret-"));
  t.after(() => rm(directory, { recursive: true }));
  const environment = { RUNTIME_DIRECTORY: `${directory}:/elsewhere` };
  const secret = readConnectionSecret(environment);
  assert.deepEqual(readConnectionSecret(environment), secret);
  const file = join(directory, "connection-secret");
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await writeFile(file, "damaged");
  const other = readConnectionSecret(environment);
  assert.notDeepEqual(other, secret);
  assert.deepEqual(readConnectionSecret(environment), other);
});

test("where it cannot be kept there is one nevertheless", () => {
  assert.equal(readConnectionSecret({ RUNTIME_DIRECTORY: "/nonexistent" }).length, CONNECTION_SECRET_WORDS);
});
