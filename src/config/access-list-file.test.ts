import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { writeWord } from "../model/address.ts";
import { readAccessListFile } from "./access-list-file.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";

const read = (content: string, limit?: number) =>
  readAccessListFile("f", memoryFiles({ f: content }, 1000), limit);
const hash = "0123456789abcdef0123456789ABCDEFfedcba98";

test("an info-hash per line, with comments, blanks and either line end", async () => {
  const { hashes, problems } = await read(`\ufeff# list\r\n${hash}\r\n\r\n  ${hash}\t# a film\n#\n${hash}`);
  assert.deepEqual(problems, []);
  const words = [0x01234567, 0x89abcdef, 0x01234567, 0x89abcdef, 0xfedcba98];
  assert.deepEqual([...hashes], [...words, ...words, ...words]);
});

test("any list comes back as it was", async () => {
  const anyHash = fc.uint8Array({ minLength: 20, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(fc.array(anyHash, { maxLength: 50 }), async (list) => {
      const { hashes, problems } = await read(
        list.map((bytes) => `${Buffer.from(bytes).toString("hex")}\n`).join(""),
      );
      assert.deepEqual(problems, []);
      const bytes = new Uint8Array(hashes.length * 4);
      for (const [i, word] of hashes.entries()) writeWord(bytes, i * 4, word);
      assert.deepEqual(Buffer.from(bytes), Buffer.concat(list));
    }),
    { numRuns: 50 },
  );
});

test("a list longer than the initial buffer", async () => {
  const { hashes } = await read(`${hash}\n`.repeat(5000));
  assert.equal(hashes.length, 25_000);
  assert.equal(hashes[24_999], 0xfedcba98);
});

test("every mistake is named with its line and column", async () => {
  const wrong = [hash.slice(1), `${hash}0`, `  ${hash.replace("a", "g")}`, `${hash}#x`, "\u00fc", hash];
  const { hashes, problems } = await read(wrong.join("\n"));
  assert.equal(hashes.length, 5);
  const message = "not an info-hash of 40 hexadecimal digits";
  const places = ["f:1:1", "f:2:1", "f:3:3", "f:4:1", "f:5:1"];
  assert.deepEqual(
    problems.map(formatProblem),
    places.map((place) => `${place}: ${message}`),
  );
});

test("the limits of entries and of reported problems", async () => {
  assert.equal((await read(`${hash}\n`.repeat(3), 3)).problems.length, 0);
  const { hashes, problems } = await read(`${hash}\n`.repeat(5), 3);
  assert.equal(hashes.length, 15);
  assert.deepEqual(problems.map(formatProblem), ["f:4:1: more than 3 info-hashes"]);
  assert.equal((await read("rubbish\n".repeat(1000))).problems.length, 100);
});
