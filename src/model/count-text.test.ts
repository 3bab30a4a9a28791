import assert from "node:assert/strict";
import { test } from "node:test";
import { countText } from "./count-text.ts";

test("a noun is in the plural unless the number is 1", () => {
  assert.equal(countText(1, "prefix"), "1 prefix");
  assert.equal(countText(0, "prefix"), "0 prefixes");
  assert.equal(countText(2, "info-hash"), "2 info-hashes");
  assert.equal(countText(3, "address"), "3 addresses");
  assert.equal(countText(2, "query"), "2 queries");
  assert.equal(countText(1024, "day"), "1,024 days");
});
