import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { emptyList, type HashList } from "./hash-list.ts";
import { ListFiles } from "./list-files.ts";

function listOf(...firsts: number[]): HashList {
  return {
    ...emptyList(0),
    hashes: Uint32Array.from(firsts.flatMap((first) => [first, 0, 0, 0, 0])),
    rowsAt: new Uint32Array(firsts.length + 1),
    validUntil: 1_200_000,
  };
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "btrt-list-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("files are written with a status that has their checksums; an unchanged file keeps its time stamp", async (t) => {
  const at = directory(t);
  const files = new ListFiles(join(at, "list"), ["text", "binary"]);
  await files.write(listOf(1, 2), 1200);
  assert.deepEqual(readdirSync(at).sort(), ["list.bin", "list.status.json", "list.txt"]);
  const text = readFileSync(join(at, "list.txt"));
  const status = JSON.parse(readFileSync(join(at, "list.status.json"), "utf8"));
  assert.deepEqual(
    { ...status, files: status.files[0] },
    {
      entries: 2,
      changed: "1970-01-01T00:00:00.000Z",
      checked: "1970-01-01T00:00:00.000Z",
      validUntil: "1970-01-01T00:20:00.000Z",
      files: {
        file: "list.txt",
        format: "text",
        bytes: 82,
        sha256: createHash("sha256").update(text).digest("hex"),
      },
    },
  );
  utimesSync(join(at, "list.txt"), 1, 1);
  await files.write({ ...listOf(1, 2), validUntil: 2_400_000 }, 1200);
  assert.equal(statSync(join(at, "list.txt")).mtimeMs, 1000, "the list has not changed");
  assert.match(readFileSync(join(at, "list.status.json"), "utf8"), /"validUntil": "1970-01-01T00:40:00/);
  await files.write(listOf(1), 1200);
  assert.ok(statSync(join(at, "list.txt")).mtimeMs > 1000);
  assert.equal(readFileSync(join(at, "list.txt"), "utf8").length, 41);
});

test("a file or link at the temporary path is not written into", async (t) => {
  const at = directory(t);
  writeFileSync(join(at, "precious"), "precious");
  symlinkSync("precious", join(at, "list.txt.new"));
  await new ListFiles(join(at, "list"), ["text"]).write(listOf(1), 1200);
  assert.equal(readFileSync(join(at, "precious"), "utf8"), "precious");
  assert.equal(readFileSync(join(at, "list.txt"), "utf8").length, 41);
});

test("when a file cannot be written the old one stays, and no temporary file is left", async (t) => {
  const at = directory(t);
  const files = new ListFiles(join(at, "missing", "list"), ["text"]);
  await assert.rejects(files.write(listOf(1), 1200), { code: "ENOENT" });
  assert.ok(!existsSync(join(at, "missing")));
});
