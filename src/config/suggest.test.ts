import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "./suggest.ts";

test("the nearest candidate, where one is near", () => {
  const candidates = ["interval", "min_interval", "udp", "url", "a"];
  const cases: [string, string][] = [
    ["intervall", "interval"],
    ["minInterval", "min_interval"],
    ["INTERVAL", "interval"],
    ["upd", "udp"],
    ["ur", "url"],
  ];
  for (const [word, candidate] of cases)
    assert.equal(didYouMean(word, candidates), `; did you mean "${candidate}"?`);
  for (const word of ["database", "timeout", "b", ""]) assert.equal(didYouMean(word, candidates), "");
  assert.equal(didYouMean("x", []), "");
});
