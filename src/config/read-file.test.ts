import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { memoryFiles } from "./memory-files.ts";
import { FileError, readFromDisk, readLines, readText } from "./read-file.ts";

async function linesOf(content: string | Uint8Array, pieceBytes: number): Promise<string[]> {
  const lines: string[] = [];
  await readLines("f", 100, memoryFiles({ f: content }, pieceBytes), (bytes, start, end, line) => {
    lines.push(Buffer.from(bytes.subarray(start, end)).toString());
    assert.equal(line, lines.length);
    return true;
  });
  return lines;
}

test("lines are the same wherever the file's pieces are cut", async () => {
  const line = fc.string({ unit: fc.constantFrom("a", "é", " ", "#", "\r"), maxLength: 20 });
  const anyLines = fc.array(line, { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      anyLines,
      fc.constantFrom("\n", "\r\n"),
      fc.integer({ min: 1, max: 50 }),
      async (lines, end, size) => {
        const expected = lines.map((text) => text.replace(/\r+$/, ""));
        assert.deepEqual(
          await linesOf(lines.map((text) => text.replace(/\r+$/, "") + end).join(""), size),
          expected,
        );
      },
    ),
  );
});

test("a byte order mark is skipped, a last line without an end is read", async () => {
  assert.deepEqual(await linesOf("\ufeffa\nb", 1), ["a", "b"]);
  assert.deepEqual(await linesOf("\ufeff", 10), [""]);
  assert.deepEqual(await linesOf("", 10), []);
});

test("a line that is too long ends the reading, wherever it is cut", async () => {
  const expected = { message: "line 2 is longer than 100 bytes" };
  for (const size of [1, 64, 1000]) {
    await assert.rejects(linesOf(`ok\n${"x".repeat(101)}\nok\n`, size), expected);
    await assert.rejects(linesOf(`ok\n${"x".repeat(101)}`, size), expected);
    assert.equal((await linesOf(`ok\n${"x".repeat(100)}`, size)).length, 2);
  }
});

test("reading stops on request", async () => {
  let count = 0;
  await readLines("f", 100, memoryFiles({ f: "a\nb\nc\n" }, 1), () => ++count < 2);
  assert.equal(count, 2);
});

test("text is UTF-8, whole within its limit", async () => {
  const read = memoryFiles(
    {
      text: "gr\u00fc\u00dfe",
      latin: Buffer.from("gr\u00fc\u00dfe", "latin1"),
      cut: Buffer.from("\u00fc").subarray(0, 1),
    },
    1,
  );
  assert.equal(await readText("text", 7, read), "gr\u00fc\u00dfe");
  await assert.rejects(readText("latin", 100, read), { message: "is not UTF-8 text" });
  await assert.rejects(readText("cut", 100, read), { message: "is not UTF-8 text" });
  await assert.rejects(readText("text", 6, read), FileError);
  const large = memoryFiles({ f: new Uint8Array(1024 * 1024 + 1) });
  await assert.rejects(readText("f", 1024 * 1024, large), { message: "larger than 1 MiB" });
});

test("what the system refuses is said in a clause", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "btrt-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "file");
  await writeFile(file, "text");
  assert.equal(await readText(file, 10, readFromDisk), "text");
  await assert.rejects(readText(join(directory, "none"), 10, readFromDisk), {
    message: "no such file",
    code: "ENOENT",
  });
  await assert.rejects(readText(join(file, "inside"), 10, readFromDisk), { message: "no such file" });
  await assert.rejects(readText(directory, 10, readFromDisk), { message: "is a directory, not a file" });
  await assert.rejects(readText("\0", 10, readFromDisk), FileError);
  const refused = async function* (): AsyncIterable<Uint8Array> {
    yield new Uint8Array(0);
    throw Object.assign(new Error("EACCES"), { code: "EACCES" });
  };
  await assert.rejects(readText(file, 10, refused), {
    message: `the user "${userInfo().username}" may not read it: run the command as root`,
    code: "EACCES",
  });
});
