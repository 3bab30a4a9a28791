import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyList, type HashList } from "../hash-list.ts";
import { FORMATS, HASH_LIST_FORMATS, type HashListFormat } from "./formats.ts";

const HEX = ["00000000111111112222222233333333000000ab", "deadbeef000000000000000000000000ffffffff"];

const LIST: HashList = {
  ...emptyList(Date.UTC(2026, 10, 25, 12)),
  hashes: Uint32Array.of(0, 0x11111111, 0x22222222, 0x33333333, 0xab, 0xdeadbeef, 0, 0, 0, 0xffffffff),
  rows: Uint32Array.of(7, 2, 3, 9, 1, 0, 7, 4, 5),
  rowsAt: Uint32Array.of(0, 6, 9),
  groupNames: new Map([
    [7, "home"],
    [9, 'the "other", one'],
  ]),
};

const encode = (list: HashList, format: HashListFormat): Buffer =>
  Buffer.concat([...FORMATS[format].encode(list, 1200)]);

test("text, csv, binary and nftables have their described form", () => {
  assert.equal(encode(LIST, "text").toString(), `${HEX[0]}\n${HEX[1]}\n`);
  assert.equal(encode(LIST, "binary").toString("hex"), HEX.join(""));
  assert.equal(
    encode(LIST, "csv").toString(),
    `info_hash,group,complete,incomplete
${HEX[0]},home,2,3
${HEX[0]},"the ""other"", one",1,0
${HEX[1]},home,4,5
`,
  );
  assert.equal(
    encode(LIST, "nftables").toString(),
    `# 2 torrents, valid until 2026-11-25T12:00:00.000Z
flush set inet btrt hashes
add element inet btrt hashes {
0x00000000111111112222222233333333 . 0x000000ab timeout 1200s,
0xdeadbeef000000000000000000000000 . 0xffffffff timeout 1200s,
}
`,
  );
});

test("json is valid JSON", () => {
  assert.deepEqual(JSON.parse(encode(LIST, "json").toString()), {
    changed: "2026-11-25T12:00:00.000Z",
    entries: 2,
    torrents: [
      {
        infoHash: HEX[0],
        groups: [
          { group: "home", complete: 2, incomplete: 3 },
          { group: 'the "other", one', complete: 1, incomplete: 0 },
        ],
      },
      { infoHash: HEX[1], groups: [{ group: "home", complete: 4, incomplete: 5 }] },
    ],
  });
});

test("an empty list is encoded in every format: nftables flushes the set, and adds nothing", () => {
  const empty = emptyList(0);
  assert.deepEqual(
    HASH_LIST_FORMATS.map((format) => encode(empty, format).toString().trim()),
    [
      "",
      "info_hash,group,complete,incomplete",
      '{"changed":"1970-01-01T00:00:00.000Z","entries":0,"torrents":[\n\n]}',
      "",
      "# 0 torrents, valid until 1970-01-01T00:00:00.000Z\nflush set inet btrt hashes",
    ],
  );
});

test("every format is decoded to the info-hashes that were encoded", () => {
  for (const format of HASH_LIST_FORMATS) {
    assert.deepEqual([...FORMATS[format].decode(encode(LIST, format))], HEX, format);
    assert.deepEqual([...FORMATS[format].decode(encode(emptyList(0), format))], [], format);
  }
});

test("the pieces of a long list join to one list", () => {
  const hashes = Uint32Array.from({ length: 5 * 5000 }, (_, i) => i);
  const list = { ...LIST, hashes, rowsAt: new Uint32Array(5001), rows: new Uint32Array(0) };
  const lines = encode(list, "text").toString().split("\n");
  assert.equal(lines.length, 5001);
  assert.ok(lines.slice(0, -1).every((line) => /^[0-9a-f]{40}$/.test(line)));
  assert.equal(JSON.parse(encode(list, "json").toString()).torrents.length, 5000);
  assert.equal(
    encode(list, "nftables")
      .toString()
      .match(/ timeout 1200s,\n/g)?.length,
    5000,
  );
});
