/** Holds that shifts and masks of the store's words stand in src/store/layout alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import ts from "typescript";
import { assertNone, at, parse, readSources, type Source } from "./sources.ts";

const PLACES = /^src\/(store|selection|tracker)\//;
const LAYOUT = "src/store/layout/";

/** Files that work with bits of something else than the store's words. */
const OTHER_BITS: Readonly<Record<string, string>> = {
  "src/store/keyed-hash.ts": "the hash function",
  "src/store/client-identity.ts": "folds a hash",
  "src/store/linear-hashing.ts": "the place of a hash in a table",
  "src/store/household-chains.ts": "hashes of one household",
  "src/store/household-counts.ts": "the place of a hash in a table",
  "src/store/read-ahead.ts": "compares keys, and chooses without a branch",
  "src/store/endpoint-counts.ts": "a hash, and its place in a table",
  "src/store/refused-pairs.ts": "the place of a hash in a table",
  "src/store/shard-lock.ts": "the words of locks, which no other file reads",
  "src/store/stored-peers.ts": "bytes of the database",
  "src/selection/candidates.ts": "a set of ranks",
  "src/selection/answer-places.ts": "the place of a hash in a table",
  "src/selection/pace-trial.ts": "a hash, and its place in a set",
  "src/tracker/access-list.ts": "buckets of a list of info-hashes",
  "src/tracker/polls.ts": "characters of a peer_id",
};

/** With 0 on the right, these convert to a signed and to an unsigned word. */
const CONVERSIONS: readonly ts.SyntaxKind[] = [
  ts.SyntaxKind.BarToken,
  ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
];
const BIT_OPERATORS: readonly ts.SyntaxKind[] = [
  ...CONVERSIONS,
  ts.SyntaxKind.LessThanLessThanToken,
  ts.SyntaxKind.GreaterThanGreaterThanToken,
  ts.SyntaxKind.AmpersandToken,
  ts.SyntaxKind.CaretToken,
  ts.SyntaxKind.AmpersandEqualsToken,
  ts.SyntaxKind.BarEqualsToken,
  ts.SyntaxKind.CaretEqualsToken,
];

test("shifts and masks of the store's words stand in store/layout", () => {
  for (const text of ["word >>> 16;", "word & 0x3ff;", "~word;", "word |= 4;"])
    assert.equal(bitsIn(parse("src/tracker/a.ts", text)).length, 1, `the rule sees ${text}`);
  assertNone(readSources().flatMap(bitsIn));
});

/** The places of bit operations in a file that should have none. */
function bitsIn(source: Source): string[] {
  const { path, isTest, file } = source;
  if (!PLACES.test(path) || isTest || path.startsWith(LAYOUT) || path in OTHER_BITS) return [];
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    if (isBitOperation(node, file)) found.push(at(source, node.getStart(file), node.getText(file)));
    else ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function isBitOperation(node: ts.Node, file: ts.SourceFile): boolean {
  if (ts.isPrefixUnaryExpression(node)) return node.operator === ts.SyntaxKind.TildeToken;
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  const isConversion = CONVERSIONS.includes(kind) && node.right.getText(file) === "0";
  return BIT_OPERATORS.includes(kind) && !isConversion;
}
