import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readMachineName } from "./machine.ts";

test("a machine is named by its id, and not with it", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "btrt-machine-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "machine-id");
  assert.equal(await readMachineName(file), undefined);
  const names = [];
  for (const id of ["0123456789abcdef".repeat(2), "fedcba9876543210".repeat(2)]) {
    writeFileSync(file, `${id}\n`);
    const name = await readMachineName(file);
    assert.match(name ?? "", /^[0-9a-f]{16}$/);
    assert.ok(!id.includes(name ?? ""));
    assert.equal(await readMachineName(file), name);
    names.push(name);
  }
  assert.notEqual(names[0], names[1]);
  writeFileSync(file, "uninitialized\n");
  assert.equal(await readMachineName(file), undefined);
});
