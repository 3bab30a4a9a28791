import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type BencodeValue, integerOf, readDictionary, readValue, visitList } from "./bencode-reader.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

function read(text: string): BencodeValue | undefined {
  const bytes = latin1(text);
  return readValue(bytes, 0, bytes.length);
}

test("values", () => {
  const cases: [string, string, string][] = [
    ["i42e", "integer", "42"],
    ["i-42e", "integer", "-42"],
    ["0:", "string", ""],
    ["3:a:e", "string", "a:e"],
    ["le", "list", ""],
    ["li1e2:abe", "list", "i1e2:ab"],
    ["de", "dictionary", ""],
    ["d1:ale1:bd1:ci1eee", "dictionary", "1:ale1:bd1:ci1ee"],
  ];
  for (const [text, kind, content] of cases) {
    const value = read(`${text}rest`);
    assert.ok(value, text);
    assert.deepEqual(
      [value.kind, `${text}rest`.slice(value.start, value.end), value.next],
      [kind, content, text.length],
    );
  }
});

test("invalid values", () => {
  const cases = [
    "",
    "e",
    "x",
    "i",
    "ie",
    "i-e",
    "i1",
    "i1x",
    `i${"1".repeat(30)}e`,
    "3",
    "3:",
    "3:ab",
    "-1:a",
    ":a",
  ];
  const containers = [
    "l",
    "li1e",
    "d",
    "d1:a",
    "d1:ae",
    "di1ei2ee",
    "dlei1ee",
    "d1:ai1e1:be",
    "lx",
    "999999999:a",
  ];
  for (const text of [...cases, ...containers]) assert.equal(read(text), undefined, text);
});

test("there is a limit to depth", () => {
  assert.ok(read("l".repeat(16) + "e".repeat(16)));
  assert.equal(read("l".repeat(17) + "e".repeat(17)), undefined);
  assert.equal(read("l".repeat(1_000_000)), undefined);
  assert.ok(read(`${"d1:a".repeat(16)}i1e${"e".repeat(16)}`.replace("i1e", "de").slice(4, -1)));
});

test("of equal keys the first counts, and no more keys are looked at than the limit", () => {
  const bytes = latin1("d1:bi1e1:ai2e1:bi3e1:ci4ee");
  const dictionary = readValue(bytes, 0, bytes.length)!;
  const values = readDictionary(bytes, dictionary);
  assert.deepEqual(
    [...values].map(([key, value]) => [key, integerOf(bytes, value)]),
    [
      ["b", 1],
      ["a", 2],
      ["c", 4],
    ],
  );
  assert.equal(readDictionary(bytes, dictionary, 1).size, 1);
});

test("only integers are integers", () => {
  const bytes = latin1("1:5");
  assert.equal(integerOf(bytes, readValue(bytes, 0, 3)), undefined);
  assert.equal(integerOf(bytes, undefined), undefined);
});

type Value = number | string | Value[] | Map<string, Value>;

const { value: anyValue } = fc.letrec<{ value: Value; list: Value[]; map: Map<string, Value> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 10, depthSize: "small" },
    fc.integer(),
    fc.string({ unit: "binary-ascii" }),
    tie("list"),
    tie("map"),
  ),
  list: fc.array(tie("value"), { maxLength: 5 }),
  map: fc
    .array(fc.tuple(fc.string({ unit: "binary-ascii", maxLength: 20 }), tie("value")), { maxLength: 5 })
    .map((pairs) => new Map(pairs)),
}));

function write(value: Value): string {
  if (typeof value === "number") return `i${value}e`;
  if (typeof value === "string") return `${value.length}:${value}`;
  if (Array.isArray(value)) return `l${value.map(write).join("")}e`;
  return `d${[...value].map(([key, each]) => write(key) + write(each)).join("")}e`;
}

/** What a value was before it was written. */
function rebuild(bytes: Buffer, value: BencodeValue): Value {
  if (value.kind === "integer") return integerOf(bytes, value)!;
  if (value.kind === "string") return bytes.toString("latin1", value.start, value.end);
  if (value.kind === "dictionary") {
    return new Map([...readDictionary(bytes, value)].map(([key, each]) => [key, rebuild(bytes, each)]));
  }
  const list: Value[] = [];
  assert.ok(visitList(bytes, value, (each) => list.push(rebuild(bytes, each)) > 0));
  return list;
}

test("reads what an encoder wrote", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = latin1(write(value));
      const whole = readValue(bytes, 0, bytes.length);
      assert.equal(whole?.next, bytes.length);
      assert.deepEqual(rebuild(bytes, whole), value);
      for (let end = 0; end < bytes.length; end++)
        assert.equal(readValue(bytes, 0, end), undefined, "cut off");
    }),
  );
});
