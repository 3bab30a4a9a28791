import assert from "node:assert/strict";
import { test } from "node:test";
import { dpiStatistics, routerCounters } from "./handshake-sources.ts";

/** As nft 1.0.6 writes them. */
function nftJson(counters: Record<string, unknown>): string {
  const metainfo = { version: "1.0.6", release_name: "Lester Gooch #5", json_schema_version: 1 };
  const list = Object.entries(counters).map(([name, packets]) => ({
    counter: { family: "inet", name, table: "btrt", handle: 6, packets, bytes: 0 },
  }));
  return JSON.stringify({ nftables: [{ metainfo }, ...list] });
}

test("a router's counters are read by direction", () => {
  const { parse } = routerCounters("f");
  const counters = { seen_outgoing: 9, refused_outgoing: 2, seen_incoming: 7, refused_incoming: 0 };
  assert.deepEqual(Object.fromEntries(parse(nftJson({ ...counters, others: 5 }))), {
    out: { seen: 9, refused: 2 },
    in: { seen: 7, refused: 0 },
  });
  const { refused_incoming: _, ...three } = counters;
  const bad = ["", "{", "null", "[]", '{"nftables":{}}', nftJson({}), nftJson(three)];
  bad.push(nftJson(counters).slice(1), nftJson({ ...counters, seen_incoming: -1 }));
  bad.push(nftJson({ ...counters, seen_incoming: "7" }), nftJson({ ...counters, seen_incoming: 1.5 }));
  for (const text of bad) assert.throws(() => parse(text), /^Error: f: is not what nft writes/, text);
});

test("the last line of a DPI box's log that has counts says how many there are", () => {
  const { parse } = dpiStatistics("f", "BitTorrent: (\\d+)/(\\S+)");
  assert.deepEqual(parse("12:00 BitTorrent: 10/3\n12:05 BitTorrent: 20/5\n12:06 HTTP: 1/1\n").get("any"), {
    seen: 20,
    refused: 5,
  });
  const counts = ["BitTorrent: 1/x", `BitTorrent: ${"9".repeat(20)}/1`, "BitTorrent: 1/-2"];
  for (const text of counts) assert.throws(() => parse(text), /are no counts/, text);
  for (const text of ["", "HTTP: 1/1", `${" ".repeat(1000)}BitTorrent: 1/1`])
    assert.throws(() => parse(text), /^Error: f: no line matches the pattern/, text);
});

test("a pattern that would take forever is given up", () => {
  const { parse } = dpiStatistics("f", "(a+)+(b)$");
  assert.throws(() => parse("a".repeat(60)), /timed out/);
});
