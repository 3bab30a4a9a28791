import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { caseCount } from "../../test/support/case-count.ts";
import { type ConfigDocument, parseDocument } from "./document.ts";
import { formatProblem } from "./problem.ts";

function open(text: string): ConfigDocument {
  const document = parseDocument(text, "f");
  assert.ok("value" in document, document.problems.map(formatProblem).join("\n"));
  return document;
}

function problemsOf(text: string): string[] {
  return parseDocument(text, "f").problems.map(formatProblem);
}

test("every value and key knows its place", () => {
  const document = open(
    "a: 1\nlist:\n  - name: x\n    deep: { b: 2 }\n  -\nempty:\n'quoted key': 3\n5: five\n",
  );
  const place = ({ line, column }: { line: number; column: number }) => `${line}:${column}`;
  assert.equal(place(document.position(["a"])), "1:4");
  assert.equal(place(document.keyPosition(["list", 0, "deep", "b"])), "4:13");
  assert.equal(place(document.position(["list", 0, "deep", "b"])), "4:16");
  assert.equal(place(document.position(["list", 0])), "3:5");
  assert.equal(place(document.position(["quoted key"])), "7:15");
  assert.equal(place(document.position(["5"])), "8:4");
  // What has no value, or is not there at all, is where it should be looked for.
  assert.equal(place(document.position(["empty"])), "6:1");
  assert.equal(place(document.position(["list", 0, "absent"])), "3:5");
  assert.equal(place(document.position(["list", 0, "deep", "absent", "more"])), "4:5");
  assert.equal(place(document.position(["absent"])), "1:1");
  assert.ok(document.has(["empty"]));
  assert.ok(!document.has(["list", 0, "absent"]));
});

test("what an alias stands for is where its anchor is", () => {
  const document = open("a: &x\n  b: 1\nc: *x\n");
  assert.deepEqual(document.value, { a: { b: 1 }, c: { b: 1 } });
  assert.equal(document.position(["c", "b"]).line, 2);
});

test("an empty document has no value and no problem", () => {
  for (const text of ["", "\n", "# only a comment\n", "---\n", "---\n...\n", "~"]) {
    assert.equal(open(text).value, null);
    assert.equal(open(text).position(["any"]).line, 1);
  }
});

test("YAML's own mistakes are named in a line each", () => {
  const cases: [string, RegExp][] = [
    ["a:\n\tb: 1\n", /^f:2:1: indented with a tab: use spaces$/],
    ["a: 1\nb: 2\na: 3\n", /^f:3:1: a: is set twice, here and in line 1: keep one$/],
    ["x: {a: 1, a: 2}\n", /^f:1:11: x\.a: is set twice, here and in line 1: keep one$/],
    ["a: [1, 2\nb: 3\n", /^f:1:4: the \[ is not closed: \] is missing$/],
    ["a: 'x\n", /^f:1:4: the quote ' is not closed$/],
    ["a: b: c\n", /^f:1:4: this line has a second colon and space: /],
    ["a: 1\n---\nb: 2\n", /^f:2:1: a second document starts here/],
    ["a: *nowhere\n", /^f:1:4: \*nowhere is an alias, and no value has the anchor &nowhere: /],
    ["}", /^f:1:1: "}" does not belong here/],
  ];
  for (const [text, message] of cases) assert.match(problemsOf(text)[0] ?? "", message, text);
});

test("a key that is there twice does not hide what else is wrong", () => {
  const document = open("a: 1\na: 2\n");
  assert.equal(document.problems.length, 1);
  assert.deepEqual(document.value, { a: 2 });
});

test("aliases cannot multiply without bound", () => {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < 20; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(", ")}]`,
    );
  assert.match(problemsOf(lines.join("\n"))[0], /^f:1:1: Excessive alias count/);
});

test("nesting without end is refused, whatever it is made of", () => {
  const depth = 2000;
  const maps = Array.from({ length: 200 }, (_, i) => `${" ".repeat(i)}a:`).join("\n");
  const nested = ["[", "{a: ", "- ", "? ", "a: ", ": ", "- - ? ", "[[{b: "].map((open) => open.repeat(depth));
  for (const text of [...nested, maps]) {
    assert.match(problemsOf(text)[0], /^f:\d+:\d+: more than 64 nested levels$/, text.slice(0, 10));
  }
});

test("a problem list has an end", () => {
  assert.equal(problemsOf("a: 1\n".repeat(1000)).length, 100);
});

test("no text makes it throw", () => {
  const pieces = fc.constantFrom(
    ..."a b: - ? [ ] { } , # & * ! | > ' \" % @ ` ~ null true 1 0x1f 1e400 .nan &x *x !!str <<: --- ... : - \t",
    ..." \n \n  \n    \n\r\n \0 \ufeff \u2028 __proto__: constructor: toString:".split(" "),
    "\n",
    " ",
  );
  const yamlish = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(yamlish, fc.string({ unit: "binary" }), fc.json()), (text) => {
      const document = parseDocument(text, "f");
      if (!("value" in document)) assert.ok(document.problems.length > 0);
      for (const problem of document.problems)
        assert.match(formatProblem(problem), /^f:[1-9]\d*:[1-9]\d*: ./);
    }),
    { numRuns: caseCount(150, 500) },
  );
});
