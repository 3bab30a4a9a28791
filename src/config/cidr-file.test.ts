import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPrefix } from "../network/prefix.ts";
import { readCidrFile } from "./cidr-file.ts";
import { memoryFiles } from "./memory-files.ts";
import { formatProblem } from "./problem.ts";

const read = (content: string, limit?: number) => readCidrFile("f", memoryFiles({ f: content }), limit);

test("a prefix per line, with comments, blanks and either line end", async () => {
  const content =
    "\ufeff# ours\r\n\r\n10.0.0.0/8 # office\r\n\t2001:db8::/32\t\r\n192.0.2.1#host\n   \n::ffff:192.0.2.0/120";
  const { prefixes, problems, warnings } = await read(content);
  assert.deepEqual(problems, []);
  assert.deepEqual(warnings, []);
  assert.deepEqual(prefixes.map(formatPrefix), [
    "10.0.0.0/8",
    "2001:db8::/32",
    "192.0.2.1/32",
    "192.0.2.0/24",
  ]);
});

test("every mistake is named with its line and column", async () => {
  const { prefixes, problems, warnings } = await read(
    "10.0.0.0/33\n10.1.2.3/8\n  # c\n\t\u00fc.0.0.0/8\n10.0.0.0/8, 11.0.0.0/8\n",
  );
  assert.equal(prefixes.length, 1);
  assert.deepEqual(
    problems.map(({ file, line, column }) => `${file}:${line}:${column}`),
    ["f:1:1", "f:4:2", "f:5:1"],
  );
  assert.match(formatProblem(problems[0]), /^f:1:1: "10.0.0.0\/33" is not a prefix/);
  assert.deepEqual(warnings.map(formatProblem), [
    'f:2:1: "10.1.2.3/8" has host bits set: it is read as 10.0.0.0/8',
  ]);
});

test("the limits of entries and of reported problems", async () => {
  assert.equal((await read("10.0.0.1\n10.0.0.2\n", 2)).problems.length, 0);
  const { prefixes, problems } = await read("10.0.0.1\n10.0.0.2\n10.0.0.3\nrubbish\n", 2);
  assert.equal(prefixes.length, 2);
  assert.deepEqual(problems.map(formatProblem), ["f:3:1: more than 2 prefixes"]);
  assert.equal((await read("rubbish\n".repeat(1000))).problems.length, 100);
});
